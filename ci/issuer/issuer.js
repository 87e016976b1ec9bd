// oidc-provider as the OIDC issuer of a hospital, for the tests: one client, which gets tokens by its secret.
// Arguments: certificate and key of the server, address, port, and a file with the JWK to sign with. Prints `ready`.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import Provider from 'oidc-provider';

const [certificate, key, address, port, signing] = process.argv.slice(2);

const provider = new Provider(`https://${address}:${port}`, {
  jwks: { keys: [JSON.parse(readFileSync(signing))] },
  clients: [
    {
      client_id: 'robot',
      client_secret: 'of-the-tests',
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
    },
  ],
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => 'urn:medinfer',
      // The resource that a token is asked for is its audience.
      getResourceServerInfo: (_, resource) => ({
        audience: resource,
        scope: '',
        accessTokenFormat: 'jwt',
        accessTokenTTL: 600,
        jwt: { sign: { alg: 'RS256' } },
      }),
    },
  },
});
createServer({ cert: readFileSync(certificate), key: readFileSync(key) }, provider.callback()).listen(
  Number(port),
  address,
  () => console.log('ready'),
);
