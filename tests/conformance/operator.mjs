// Florin's inside as an operator calls it: gRPC over mutual TLS, by @grpc/grpc-js.
import grpc from '@grpc/grpc-js';
import protoLoader from '@grpc/proto-loader';
import { readFileSync } from 'node:fs';

const certificates = process.env.FLORIN_CERTS;
const includes = [
  process.env.FLORIN_PROTOS,
  '/usr/share/gocode/src/github.com/gogo/googleapis',
  '/usr/include',
];

// The namespace of a proto's package, e.g. load('florin/auth/v1/clients.proto').florin.auth.v1.
export function load(file) {
  const options = { keepCase: true, longs: String, enums: String, includeDirs: includes };
  return grpc.loadPackageDefinition(protoLoader.loadSync(file, options));
}

function port(service) {
  const line = readFileSync(`${process.env.FLORIN_HOME}/ports`, 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith(`${service} `));
  return line.split(' ')[1];
}

// Calls a method of a service's gRPC port with an operator's certificate.
export function callAsOperator(service, Client, method, request) {
  const credentials = grpc.credentials.createSsl(
    readFileSync(`${certificates}/ca.crt`),
    readFileSync(`${certificates}/operator.key`),
    readFileSync(`${certificates}/operator.crt`),
  );
  const client = new Client(`localhost:${port(service)}`, credentials);
  const deadline = Date.now() + 10_000;
  return new Promise((resolve, reject) => {
    client[method](request, new grpc.Metadata(), { deadline }, (error, response) => {
      client.close();
      error ? reject(error) : resolve(response);
    });
  });
}

// Registers an OAuth client and gives its id.
export async function registerClient(metadata) {
  const { Clients } = load('florin/auth/v1/clients.proto').florin.auth.v1;
  const client_id = `client-${crypto.randomUUID().slice(0, 18)}`;
  await callAsOperator('auth', Clients, 'RegisterClient', { client_id, metadata });
  return client_id;
}
