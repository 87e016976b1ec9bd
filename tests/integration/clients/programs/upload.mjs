// Node's fetch as it comes: node upload.mjs slice.png http://127.0.0.1:8002 ...
import { readFile } from 'node:fs/promises';

const [image, ...urls] = process.argv.slice(2);
const file = new Blob([await readFile(image)], { type: 'image/png' });
for (const url of urls) {
  const body = new FormData();
  body.append('image', file, 'slice.png');
  const answer = await fetch(`${url}/predict`, { method: 'POST', body });
  console.log(answer.status, await answer.text());
}
