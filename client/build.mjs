// Makes the one file that browsers load: `npm run build`, or `node build.mjs --check`, which fails where the
// file is not what its sources make.
import { build } from 'esbuild';
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

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
      '// This file belongs to actix-web-sse: `sse install` refreshes it. Your own listeners go into sse-client.js.',
      '// Its types are in sse.d.ts; its readable source is in the folder client of the library.',
      // Nobody's compiler is to look into it.
      '// @ts-nocheck',
    ].join('\n'),
  },
});
const [{ text }] = outputFiles;
if (!process.argv.includes('--check')) {
  await writeFile(file, text);
} else if ((await readFile(file, 'utf8')) !== text) {
  console.error('error: assets/js/sse.js is not what client/src makes\nhelp: run `npm run build` in client');
  process.exitCode = 1;
}
