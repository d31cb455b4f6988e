// Builds `dist/`, which the daemon embeds. The output depends on nothing but the sources and the locked tools: no hashes of paths, no
// dates, so a rebuild elsewhere gives the same bytes.
import { build } from "esbuild";
import { cp, mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";

const target = ["chrome109", "firefox115", "safari16"];
const common = {
  bundle: true,
  format: "esm",
  jsx: "automatic",
  jsxImportSource: "preact",
  charset: "utf8",
  legalComments: "none",
  logLevel: "warning",
};

async function find(folder, ending) {
  const found = [];
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    if (entry.isFile() && entry.name.endsWith(ending)) found.push(join(entry.parentPath ?? entry.path, entry.name));
  }
  return found.sort();
}

if (process.argv.includes("--tests")) {
  await rm(".tests", { recursive: true, force: true });
  await build({
    ...common,
    entryPoints: await find("src", ".test.ts"),
    outdir: ".tests",
    outExtension: { ".js": ".mjs" },
    platform: "node",
    target: "node20",
  });
} else {
  await rm("dist", { recursive: true, force: true });
  await mkdir("dist/assets", { recursive: true });
  const shipped = { ...common, minify: true, target, platform: "browser" };
  await build({
    ...shipped,
    entryPoints: { chat: "src/widget/main.tsx", inbox: "src/inbox/main.tsx" },
    outdir: "dist/assets",
  });
  await build({
    ...shipped,
    entryPoints: { chat: "src/widget/widget.css", inbox: "src/inbox/inbox.css" },
    outdir: "dist/assets",
  });
  // A plain script: pages of other people include it with a `script` element.
  await build({ ...shipped, format: "iife", entryPoints: { widget: "src/embed/embed.tsx" }, outdir: "dist" });
  await cp("static", "dist", { recursive: true });
}
