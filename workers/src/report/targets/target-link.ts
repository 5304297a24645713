import { UsageError } from '../../base/errors.ts';
import { REPORT_MESSAGES } from '../report-text.ts';

/** Returns the address of a protein's page; undefined if none is known. */
export type LinkOf = (id: string) => string | undefined;

/** An accession of UniProtKB, with or without an isoform: https://www.uniprot.org/help/accession_numbers */
const UNIPROT = /[OPQ]\d[A-Z0-9]{3}\d|[A-NR-Z]\d(?:[A-Z][A-Z0-9]{2}\d){1,2}/;
/** An accession of RefSeq, or one of GenBank's proteins with its version: https://www.ncbi.nlm.nih.gov/genbank/acc_prefix/ */
const NCBI = /[ANWXY]P_\d{6,9}(?:\.\d+)?|[A-Z]{3}\d{5,7}\.\d+/;

const KINDS: readonly (readonly [id: RegExp, address: (accession: string) => string])[] = [
  [new RegExp(`^(?:sp|tr)\\|(${UNIPROT.source})(?:-\\d+)?\\|`), uniprot],
  [new RegExp(`^(${UNIPROT.source})(?:-\\d+)?$`), uniprot],
  [/^(UniRef(?:50|90|100)_[A-Z0-9-]+)$/, (id) => `https://www.uniprot.org/uniref/${id}`],
  [/^(UPI[0-9A-F]{10})$/, (id) => `https://www.uniprot.org/uniparc/${id}`],
  [new RegExp(`^(${NCBI.source})$`), ncbi],
  [new RegExp(`^(?:gi\\|\\d+\\|)?(?:ref|gb|emb|dbj)\\|(${NCBI.source})\\|`), ncbi],
];

function uniprot(accession: string): string {
  return `https://www.uniprot.org/uniprotkb/${accession}/entry`;
}

function ncbi(accession: string): string {
  return `https://www.ncbi.nlm.nih.gov/protein/${accession}`;
}

/** Returns the address of a protein of UniProt or NCBI, by the form of its id. */
export const knownLink: LinkOf = (id) => {
  for (const [form, address] of KINDS) {
    const accession = form.exec(id)?.[1];
    if (accession !== undefined) return address(accession);
  }
  return undefined;
};

/** The id is outside the host, so no id leads to a site of its own choice. */
const TEMPLATE =
  /^https?:\/\/[A-Za-z0-9._:-]+\/[A-Za-z0-9._~:/?#@!$&()*+,;=%-]*\{id\}[A-Za-z0-9._~:/?#@!$&()*+,;=%-]*$/;

/**
 * Creates links to targets.
 * @param template address with {id} in the place of the id; undefined: `knownLink`
 * @throws UsageError if it is no address of http or https with one {id} after its host
 */
export function linkOfTargets(template: string | undefined): LinkOf {
  if (template === undefined) return knownLink;
  if (!TEMPLATE.test(template)) throw new UsageError(REPORT_MESSAGES.wrongTemplate(template));
  const [before, after] = template.split('{id}') as [string, string];
  return (id) => `${before}${encodeURIComponent(id.toWellFormed())}${after}`;
}
