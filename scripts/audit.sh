#!/bin/sh
# npm run audit: known vulnerabilities in the packages of package-lock.json. Exit 0: none known; 1: some; 69: the registry
# could not be reached.
set -u
cd "$(dirname "$0")/.."
report=$(npm audit --json 2>&1)
printf '%s\n' "$report" | node -e '
  const text = require("node:fs").readFileSync(0, "utf8");
  let report = {};
  try { report = JSON.parse(text.slice(text.indexOf("{"), text.lastIndexOf("}") + 1)); } catch {}
  if (report.auditReportVersion === undefined) {
    console.error(`audit: NOT DONE, the registry could not be asked:\n${text.trim()}`);
    process.exit(69);
  }
  const found = Object.values(report.vulnerabilities);
  for (const { name, severity, range } of found) console.error(`audit: ${severity}: ${name} ${range}`);
  console.log(`audit: ${report.metadata.dependencies.total} packages, ${found.length} with known vulnerabilities`);
  process.exit(found.length === 0 ? 0 : 1);
'
