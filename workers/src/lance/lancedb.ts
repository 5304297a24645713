import './quiet.ts';

// The only module that loads the LanceDB client, so that its log level is set first.
export { connect, Index } from '@lancedb/lancedb';
