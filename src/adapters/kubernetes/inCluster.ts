import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AccessError, type ClusterAccess, fileFault } from './access.ts';

/** Where Kubernetes puts the credentials of a pod's service account. */
const SERVICE_ACCOUNT_FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * Access with the service account of the pod that this process runs in. The token lasts an hour and is replaced in
 * its file, so it is read for each request.
 *
 * @throws AccessError outside of a cluster.
 */
export function inClusterAccess(env: NodeJS.ProcessEnv, folder = SERVICE_ACCOUNT_FOLDER): ClusterAccess {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = '' } = env;
  if (!host || !/^\d{1,5}$/.test(port)) {
    throw new AccessError(
      'distributedLock needs a Kubernetes cluster, and this is not a pod of one (KUBERNETES_SERVICE_HOST is not ' +
        'set); give a kubeconfig in distributedLock.devKubeConfig, or remove the block',
    );
  }
  const read = async (name: string) => {
    try {
      return (await readFile(join(folder, name), 'utf8')).trim();
    } catch (error) {
      throw new AccessError(
        `cannot read ${join(folder, name)} (${fileFault(error)}); has the pod a service account, with ` +
          'automountServiceAccountToken?',
      );
    }
  };
  return {
    host,
    port: Number(port),
    basePath: '',
    serverName: undefined,
    async credentials() {
      // One after the other: of two that are missing, it is the token that tells why.
      const token = await read('token');
      const ca = await read('ca.crt');
      return { ca, token, clientCert: undefined, clientKey: undefined };
    },
  };
}
