// LanceDB prints warnings for its developers ("partition 16 is empty, skipping"), dozens per table. It reads the level once, when
// it is loaded. Set the variable to see them.
process.env.LANCEDB_LOG ??= 'error';
