/** An image in ECR. */
export interface EcrImage {
  account: string;
  region: string;
  repository: string;
  id: { imageTag: string } | { imageDigest: string };
}

/** Parses the address of an image in ECR; undefined if it is in another registry. */
export function parseEcrImage(address: string): EcrImage | undefined {
  const pattern =
    /^(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?\/([a-z0-9._/-]+?)(?::([\w.-]+))?(?:@(sha256:[0-9a-f]{64}))?$/;
  const [, account, region, repository, tag, digest] = pattern.exec(address) ?? [];
  if (account === undefined || region === undefined || repository === undefined) return undefined;
  return { account, region, repository, id: digest ? { imageDigest: digest } : { imageTag: tag ?? 'latest' } };
}
