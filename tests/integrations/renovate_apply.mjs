// Writes updates into a manifest as Renovate does on its branches, which it does not make with `--platform=local`.
// Arguments: the directory `dist` of renovate, a report of a run, the repository, and a type of updates.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [dist, report, localDir, type] = process.argv.slice(2);
const load = (path) => import(pathToFileURL(`${dist}/${path}`));
const { GlobalConfig } = await load("config/global.js");
const { doAutoReplace } = await load("workers/repository/update/branch/auto-replace.js");
GlobalConfig.set({ localDir });

const { repositories } = JSON.parse(readFileSync(report, "utf8"));
for (const { packageFiles } of Object.values(repositories)) {
  for (const packageFile of packageFiles.regex) {
    for (const [depIndex, dependency] of packageFile.deps.entries()) {
      for (const update of dependency.updates.filter((one) => one.updateType === type)) {
        const upgrade = { ...packageFile, ...dependency, ...update, manager: "regex", depIndex };
        const content = readFileSync(`${localDir}/${packageFile.packageFile}`, "utf8");
        await doAutoReplace(upgrade, content, false);
      }
    }
  }
}
