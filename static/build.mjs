// Builds static/build from static/ and node_modules: app.css, app.js, charts.js, icons.svg, fonts/, img/.
// Deterministic and without network; `npm ci` must have run. Takes about two seconds.
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const root = dirname(here);
const modules = join(root, "node_modules");
const out = join(here, "build");
mkdirSync(out, { recursive: true });

/** Style sheet: Tailwind and daisyUI, then Inter's faces with their files beside the sheet. */
function styles() {
  const cli = join(modules, "@tailwindcss", "cli", "dist", "index.mjs");
  execFileSync(process.execPath, [cli, "-i", join(here, "css", "app.css"), "-o", join(out, "app.css"), "--minify"], {
    cwd: root,
    stdio: ["ignore", "ignore", "pipe"],
  });
  const inter = join(modules, "@fontsource-variable", "inter");
  rmSync(join(out, "fonts"), { recursive: true, force: true });
  mkdirSync(join(out, "fonts"));
  const faces = readFileSync(join(inter, "index.css"), "utf8")
    .replace(/\/\*.*?\*\//gs, "")
    .replace(/url\(\.\/files\/([^)]+)\)/g, (_, file) => {
      cpSync(join(inter, "files", file), join(out, "fonts", file));
      return `url(./fonts/${file})`;
    })
    .replace(/\s+/g, " ");
  writeFileSync(join(out, "app.css"), readFileSync(join(out, "app.css"), "utf8") + faces.trim() + "\n");
}

/** One sprite with the icons named in icons.json; {% icon "name" %} refers to them by id. */
function icons() {
  const names = JSON.parse(readFileSync(join(here, "icons.json"), "utf8"));
  const symbols = names.map((name) => {
    const file = join(modules, "lucide-static", "icons", `${name}.svg`);
    if (!existsSync(file)) throw new Error(`static/icons.json names "${name}", which lucide-static does not have`);
    const body = readFileSync(file, "utf8").replace(/<!--.*?-->/gs, "").match(/<svg[^>]*>(.*)<\/svg>/s)[1];
    return `<symbol id="${name}" viewBox="0 0 24 24">${body.replace(/\s+/g, " ").trim()}</symbol>`;
  });
  writeFileSync(join(out, "icons.svg"), `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join("\n")}</svg>\n`);
}

/** app.js is on every page; charts.js (ECharts, only the parts used) is fetched when a page has a chart. */
async function scripts() {
  const result = await build({
    entryPoints: { app: join(here, "js", "app.js"), charts: join(here, "js", "charts.js") },
    outdir: out,
    absWorkingDir: root,
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    legalComments: "none",
    logLevel: "warning",
  });
  if (result.warnings.length) process.exitCode = 1;
}

styles();
icons();
cpSync(join(here, "img"), join(out, "img"), { recursive: true });
await scripts();
