#!/usr/bin/env node
import { runProcess } from "../src/cli/index.js";

await runProcess();
