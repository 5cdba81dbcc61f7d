// Builds assets/js/sse.js, the one file that browsers load. `npm run build` writes it; `node build.mjs
// --check` fails if it does not match the sources.

import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';

const file = new URL('../assets/js/sse.js', import.meta.url);
const { outputFiles } = await build({
  absWorkingDir: fileURLToPath(new URL('.', import.meta.url)),
  entryPoints: ['src/index.js'],
  bundle: true,
  format: 'esm',
  minify: true,
  target: 'es2022',
  charset: 'utf8',
  write: false,
  banner: {
    js: [
      '// This file belongs to actix-web-sse, which builds it from client/src. `sse install` updates it.',
      '// Your listeners belong in sse-client.js.',
      // An app's TypeScript must not check minified code.
      '// @ts-nocheck',
    ].join('\n'),
  },
});
const [{ text }] = outputFiles;
if (!process.argv.includes('--check')) {
  await writeFile(file, text);
} else if ((await readFile(file, 'utf8')) !== text) {
  console.error('error: assets/js/sse.js does not match client/src\nhelp: run `npm run build` in client');
  process.exitCode = 1;
}
