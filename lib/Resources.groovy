import nextflow.Global
import nextflow.util.MemoryUnit

/**
 * Computes the disk space that a stage needs on its machine, from the size of its bucket; null if it needs none because the database is a
 * folder. docs/scale.md, "Sizes", has the same figures.
 */
class Resources {

    private static final Map<String, Integer> COMPONENT_BYTES = [float32: 4, float16: 2]
    /** Bytes of an id and its offset; ids of UniProt have up to 30 letters. */
    private static final long ID_BYTES = 32
    /** The dimension of AMPLIFY_350M and kmer, the usual models. */
    private static final long USUAL_DIMENSION = 960
    private static final long GB = 1000L * 1000L * 1000L
    /** Usable share of a disk; the rest is for the file system and for small files of tasks. */
    private static final double USABLE = 0.95

    /**
     * Returns the size of a bucket, from which the needs of its stages are computed. It must depend only on the plan, because it is an input of
     * these stages, and so part of their cache keys.
     * @param bucket a bucket of a checked bucket plan
     */
    static Map<String, Long> sizeOf(Map bucket, long dimension) {
        // A shard is staged whole, even if the bucket has only a part of its rows.
        def shards = bucket.sources.collectEntries { source -> [(source.shard): source] }.values()
        return [
            rows: bucket.rows as long,
            dimension: dimension,
            shard_bytes: shards.sum(0L) { source -> (source.rows as long) * dimension * COMPONENT_BYTES[source.vectorType] } as long,
        ]
    }

    /** Computes the disk of INGEST_BUCKET: the shards, if they are copied to the machine; the sorted runs, as large as the table; the table. */
    static MemoryUnit ingest(Map size, Map layout, String database, boolean copied = isCopied()) {
        def shards = copied ? size.shard_bytes + size.rows * ID_BYTES : 0L
        def copies = layout.order == 'partition' ? 2 : 1
        def built = DatabaseUri.isRemote(database) ? copies * bytesOf(size, layout.vector_type) : 0L
        return unit(shards + built)
    }

    /** Computes the disk of INDEX_BUCKET: the table, and its index three times, because LanceDB sorts the codes through temporary files. */
    static MemoryUnit index(Map size, String index, String database) {
        if (!DatabaseUri.isRemote(database)) return null
        def codes = index == 'ivf-rq' ? size.dimension.intdiv(8) + 16 : size.dimension.intdiv(16) + 8
        def centres = Math.sqrt(size.rows as double) * size.dimension * 4
        return unit(bytesOf(size, vectorType()) + 3 * (size.rows * codes + (centres as long)))
    }

    /**
     * Computes the disk of SEARCH_BUCKET: the table with its index, which is fetched.
     * @param bytes `bytes` of the catalog entry; null if unknown
     */
    static MemoryUnit search(Object bytes, Map options, String database) {
        if (!DatabaseUri.isRemote(database) || options.stream) return null
        def size = [rows: Global.session.params.bucket_size as long, dimension: USUAL_DIMENSION]
        return unit(bytes == null ? bytesOf(size, vectorType()) : bytes as long)
    }

    /** Stops the run if a bucket is too large for the disks on AWS, before its shards are copied to a machine. */
    static void requireDisk(String bucket, Map size, Map layout, String database) {
        if (!isBatch()) return
        def problem = problemWith(bucket, ingest(size, layout, database), Global.session.params.aws_storage_disk)
        if (problem) Parameters.stop(problem)
    }

    /** Returns whether tasks run on AWS Batch. */
    static boolean isBatch() {
        return Global.session.config.process?.executor == 'awsbatch'
    }

    /** Describes why a bucket cannot be built on machines with `diskGb` of disk; null if it can. */
    static String problemWith(String bucket, MemoryUnit needed, Number diskGb) {
        def usable = (diskGb * GB * USABLE) as long
        if (!needed || needed.toBytes() <= usable) return null
        return "${bucket}: building it takes ${shown(needed.toBytes())} of disk (its shards, the sorted runs, the table), and " +
            "a machine has ${shown(usable)} to use (--aws_storage_disk ${diskGb}). Use a smaller --bucket_size (and smaller shards: " +
            "each is copied whole), --vector_type float16, or machines with a larger disk."
    }

    private static String shown(long bytes) {
        return "${Math.max(1L, Math.round(bytes / (double) GB))} GB"
    }

    private static long bytesOf(Map size, String type) {
        return size.rows * (size.dimension * COMPONENT_BYTES[type] + ID_BYTES)
    }

    private static String vectorType() {
        return Global.session.params.vector_type
    }

    /** Returns whether inputs are copied to the machine of their task, as if the work folder is on S3. */
    private static boolean isCopied() {
        return Global.session.workDir.fileSystem.provider().scheme != 'file'
    }

    private static MemoryUnit unit(long bytes) {
        return bytes > 0 ? new MemoryUnit(bytes) : null
    }
}
