// Bill of materials (CycloneDX) of the running programs, from package-lock.json: npm run --silent sbom >
// natpmp-server.cdx.json
//
// npm's own --omit=dev also omits packages that a development tool shares (npm 11: protobufjs), so we do it here.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';

const cwd = dirname(import.meta.dirname);
const { name } = JSON.parse(readFileSync(`${cwd}/package.json`, 'utf8'));
const bom = JSON.parse(
  execFileSync('npm', ['sbom', '--package-lock-only', '--sbom-format=cyclonedx', '--sbom-type=application'], {
    cwd,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  }),
);

const isDevelopment = ({ properties = [] }) =>
  properties.some((each) => each.name === 'cdx:npm:package:development' && each.value === 'true');
bom.components = bom.components.filter((each) => !isDevelopment(each));
const kept = new Set([bom.metadata.component['bom-ref'], ...bom.components.map((each) => each['bom-ref'])]);
bom.dependencies = bom.dependencies
  .filter(({ ref }) => kept.has(ref))
  .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((each) => kept.has(each)) }));
bom.metadata.component.name = name; // npm takes the name of the folder
console.log(JSON.stringify(bom, null, 2));
