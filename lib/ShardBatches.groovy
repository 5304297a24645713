import java.nio.ByteBuffer
import java.nio.file.Path
import java.security.MessageDigest

/**
 * Which shards one DESCRIBE_SHARD task reads: a task a shard would be 100,000 tasks for 100,000 small shards. A batch is a run of the
 * shards in the order of their sources, and whether it ends behind a shard depends on that shard alone, on its source and size: a shard
 * that is added, removed or replaced changes the batch that it lies in, at most two, and -resume finds the others
 * (docs/adr/0027-shards-are-described-in-batches.md).
 */
class ShardBatches {

    /** A batch's shards and bytes on average, of small shards and of large ones. docs/guide.md names these numbers. */
    private static final long MEAN_SHARDS = 250
    private static final long MEAN_BYTES = 500_000_000
    /** Most of a batch, as a multiple of the above. One batch in fifty is ended by it, and moves the ends of a few others. */
    private static final int MOST = 4
    /** Taken for a size that is not known: to ask would be a request for each shard. */
    private static final long UNKNOWN_BYTES = 20_000_000

    /**
     * @param files shards, see InputFiles.resolve, sorted by source
     * @return [sources, files] of each batch. A shard of MEAN_BYTES or more has a batch of its own.
     */
    static List<List<List>> of(List<Map> files) {
        def batches = []
        def batch = []
        def used = 0.0d
        def end = {
            if (batch) batches << [batch*.source, batch*.path]
            batch = []
            used = 0.0d
        }
        files.each { file ->
            def share = shareOf(file)
            if (share >= 1 || used + share > MOST) end()
            batch << file
            used += share
            if (numberOf(file.source) < share) end()
        }
        end()
        return batches
    }

    /** Names of the descriptions of a batch, in the order of its shards. */
    static List<String> descriptions(List<String> sources) {
        return (1..sources.size()).collect { number -> "${number}.description".toString() }
    }

    /**
     * @param described [source, description or folder of them, name in the folder] of each shard
     * @return [descriptions and folders, each once; which of these, and the name in it, of each shard]
     */
    static List<List> gather(List<List> described) {
        def places = new LinkedHashMap<Path, Integer>()
        def order = described.collect { _source, file, name -> [places.computeIfAbsent(file) { _file -> places.size() }, name] }
        return [places.keySet() as List, order]
    }

    /** The part of an average batch that a shard is. */
    private static double shareOf(Map file) {
        return Math.max(1 / MEAN_SHARDS as double, (file.bytes == null ? UNKNOWN_BYTES : file.bytes) / MEAN_BYTES as double)
    }

    /** From 0 to 1, evenly over all texts. */
    private static double numberOf(String source) {
        def hash = MessageDigest.getInstance('SHA-256').digest(source.getBytes('UTF-8'))
        return (ByteBuffer.wrap(hash).getLong() >>> 11) / (double) (1L << 53)
    }
}
