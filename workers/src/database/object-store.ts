/** The text of an object. */
export interface Tagged {
  text: string;
  /** Changes with the text: the ETag on S3. */
  etag: string;
}

/** Reads and writes small objects beside the tables: catalog entries and ingest records. Keys are `folder/name`. */
export interface ObjectStore {
  /** Lists the names of the objects in a folder, sorted; empty if the folder does not exist. */
  list(folder: string): Promise<string[]>;
  /** Reads an object; undefined if it does not exist. */
  read(key: string): Promise<string | undefined>;
  /** Reads an object unless it still has this ETag. @returns undefined if it does not exist */
  readIfChanged(key: string, etag: string | undefined): Promise<Tagged | 'unchanged' | undefined>;
  /** Replaces the object in one step. */
  write(key: string, text: string): Promise<void>;
  /** Creates the object unless it exists. @returns whether it was created */
  create(key: string, content: string | Uint8Array): Promise<boolean>;
  /** Removes the object if it exists. */
  remove(key: string): Promise<void>;
}
