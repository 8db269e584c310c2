import { dirname, extname, join } from "node:path";
import { groupOf, imageSizes, listImages, noWarnings, type LoadedDataset } from "./loaded.js";

/**
 * Reads a folder of images, with its subfolders, as an unlabelled dataset.
 * Without a pattern, images of one subfolder are one group.
 * @throws DATA_MISSING, DATA_EMPTY, IMAGE_NOT_AN_IMAGE
 */
export async function loadFolder(
  root: string,
  {
    name = root,
    classes = [],
    groupPattern,
  }: { name?: string; classes?: readonly string[]; groupPattern?: RegExp } = {},
): Promise<LoadedDataset> {
  const names = await listImages(root);
  const paths = names.map((file) => join(root, file));
  const sizes = await imageSizes(paths);
  const images = names.map((file, i) => {
    const path = paths[i] ?? "";
    const folder = dirname(file);
    return {
      id: file.slice(0, file.length - extname(file).length).replaceAll("\\", "/"),
      path,
      ...(sizes[i] ?? { widthPx: 0, heightPx: 0 }),
      ...(groupPattern === undefined && folder !== "."
        ? { group: folder }
        : groupOf(path, groupPattern)),
    };
  });
  return { name, classes, images, warnings: noWarnings() };
}
