// Commands of the documents that are run in the clone itself, beside `npm start`: one row each.

const FUZZ = 'node dist/test/fuzz/run.js';

export interface InClone {
  readonly shown: string;
  readonly as?: string;
  readonly says?: RegExp;
}

export const CLONE: readonly InClone[] = [
  { shown: 'npx natpmp-client localhost:15351 map 8080 8080 tcp 3600' },
  { shown: 'npx natpmp-client localhost:15351 info' },
  {
    shown: 'npm run fuzz -- --seconds 600 --seed 7',
    as: `${FUZZ} --seconds 600 --seed 7 --seconds 1 --target wire`,
    says: / 0 findings$/m,
  },
  {
    shown: 'npm run fuzz -- --target gateway helper',
    as: `${FUZZ} --target gateway helper --seconds 1`,
    says: /^gateway: [\s\S]*^helper: [\s\S]* 0 findings$/m,
  },
  {
    shown: 'npm run fuzz -- --replay test/fuzz/corpus/wire/seed-map.hex',
    as: `${FUZZ} --replay test/fuzz/corpus/wire/seed-map.hex`,
    says: /every property holds/,
  },
  {
    shown: 'npm run fuzz -- --replay FILE',
    as: `${FUZZ} --replay test/fuzz/corpus/wire/seed-map.hex`,
    says: /every property holds/,
  },
  { shown: 'npm run --silent sbom', says: /CycloneDX/ },
  // In the clone itself it would write; that nothing is to be written is what the linter says.
];
