import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { missingPython, python, ROOT, run, temporaryFolder } from '../support/run.ts';
import { missingServer } from '../support/s3.ts';
import { startS3Server } from '../support/s3-server.ts';
import { makeFiles } from './support/files.ts';

const MIB = 2 ** 20;
const skip = missingServer('versitygw') || missingServer('moto') || missingPython();

const MAKE_CERTIFICATE = `
import datetime, ipaddress, sys
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
key = ec.generate_private_key(ec.SECP256R1())
name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
now = datetime.datetime.now(datetime.timezone.utc)
cert = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    .serial_number(1).not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=1))
    .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
    .add_extension(x509.BasicConstraints(ca=True, path_length=None), True).sign(key, hashes.SHA256()))
open(sys.argv[1], "wb").write(cert.public_bytes(serialization.Encoding.PEM))
open(sys.argv[2], "wb").write(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
    serialization.NoEncryption()))
`;

describe('https', () => {
  it.skipIf(skip)('carries files there and back; a certificate that nobody knows is refused', async () => {
    const folder = await temporaryFolder();
    const tls = { certificate: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
    await python(MAKE_CERTIFICATE, tls.certificate, tls.key);
    const server = await startS3Server('versitygw', ['lance'], { tls });
    onTestFinished(() => server.stop());
    expect(server.endpoint).toMatch(/^https:/);

    const files = await makeFiles(folder, [1000, 34 * MIB]);
    const back = files.map((file) => ({ ...file, path: join(folder, 'back', file.key) }));
    const script = join(ROOT, 'test/s3/support/transfer.ts');
    const transfer = (direction: string, list: unknown, env: object) =>
      run(process.execPath, [script, direction, 's3://lance/tls', JSON.stringify(list)], {
        env: { ...process.env, ...server.env, ...env },
      });
    const trusting = { NODE_EXTRA_CA_CERTS: tls.certificate };
    for (const [direction, list] of [
      ['up', files],
      ['down', back],
    ] as const)
      expect(await transfer(direction, list, trusting)).toMatchObject({ code: 0, stderr: '' });
    for (const [i, { path }] of back.entries())
      expect((await readFile(path)).equals(await readFile(files[i]!.path))).toBe(true);

    for (const direction of ['up', 'down']) {
      const { code, stderr } = await transfer(
        direction,
        files.map((file) => ({ ...file, path: `${file.path}${direction === 'up' ? '' : '2'}` })),
        {},
      );
      expect(code).not.toBe(0);
      expect(stderr).toMatch(
        /UsageError: .*the certificate of https:\/\/127.0.0.1:\d+ is not trusted .*NODE_EXTRA_CA_CERTS/,
      );
    }
  });
});
