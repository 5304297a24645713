// LanceDB prints warnings meant for its developers ("partition 16 is empty, skipping"), up to dozens a table. It reads
// this once, when it is loaded; whoever wants them sets it.
process.env.LANCEDB_LOG ??= 'error';
