import './quiet.ts';

// The one place where the LanceDB client is loaded, so that it is quiet wherever it is used.
export { connect, Index } from '@lancedb/lancedb';
