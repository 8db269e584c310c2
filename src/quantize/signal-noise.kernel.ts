/** Energy of a reference, and of the difference from it. */
export function signalAndNoise(
  expected: Float32Array,
  actual: Float32Array,
): { signal: number; noise: number } {
  let signal = 0;
  let noise = 0;
  for (let i = 0; i < expected.length; i++) {
    const d = expected[i]! - actual[i]!;
    signal += expected[i]! * expected[i]!;
    noise += d * d;
  }
  return { signal, noise };
}
