import java.nio.file.Path
import nextflow.Global

/** Reads the plans that PACK_BUCKETS and PLAN_SEARCH write (docs/formats.md). */
class Plan {

    private static final String REMEDY = 'Run again without -resume.'

    /** Lists [bucket, size: see Resources.sizeOf, plan file, shards of the bucket's sources in the plan's order] of every bucket in the plan. */
    static List<List> buckets(Path plan, List<Path> shards) {
        def document = read(plan)
        return document.buckets.collect { bucket ->
            def own = bucket.sources.collect { source ->
                Documents.require(Documents.isWhole(source.shard) && source.shard < shards.size(),
                    "${wrong(plan, 'bucket plan')}: \"shard\" of a source of ${bucket.bucket} is ${source.shard}, " +
                    "but there are ${shards.size()} shards. ${REMEDY}")
                shards[source.shard as int]
            }
            [bucket.bucket, Resources.sizeOf(bucket, document.dimension as long), plan, own]
        }
    }

    /** Lists the names of the plan's buckets. */
    static List<String> names(Path plan) {
        return read(plan).buckets*.bucket
    }

    /** Lists [suffix of the part's file names, query range] of every part of a search; ['', ''] if one part has all queries. */
    static List<List<String>> parts(Path plan) {
        def document = Documents.read(plan, 'plan of a search', REMEDY)
        def parts = document.parts
        Documents.require(parts instanceof List && parts,
            "${wrong(plan, 'plan of a search')}: \"parts\" must be a list. ${REMEDY}")
        def next = 0
        parts.each { part ->
            Documents.require(part instanceof Map && part.first == next && Documents.isWhole(part.end, next + 1L),
                "${wrong(plan, 'plan of a search')}: a part is ${part}, but it must begin at query ${next}. ${REMEDY}")
            next = part.end
        }
        Documents.require(document.queries == next,
            "${wrong(plan, 'plan of a search')}: \"queries\" is ${document.queries}, but its parts end at ${next}. ${REMEDY}")
        if (parts.size() == 1) return [['', '']]
        return parts.withIndex(1).collect { part, i -> [String.format('.part_%05d', i), "${part.first}:${part.end}".toString()] }
    }

    /** Returns whether tasks run on other machines. */
    static boolean isCluster() {
        return (Global.session.config.process?.executor ?: 'local') != 'local'
    }

    /** Reads a bucket plan, and checks that each bucket has a name, rows, and sources with their rows and vector types. */
    private static Map read(Path plan) {
        def document = Documents.read(plan, 'bucket plan', REMEDY)
        def buckets = document.buckets
        def isSource = { source ->
            source instanceof Map && Documents.isWhole(source.rows, 1) && source.vectorType in ['float32', 'float16']
        }
        def isBucket = { bucket ->
            bucket instanceof Map && DatabaseUri.isBucket(bucket.bucket) && Documents.isWhole(bucket.rows, 1) &&
                bucket.sources instanceof List && bucket.sources && bucket.sources.every(isSource)
        }
        Documents.require(Documents.isWhole(document.dimension, 1),
            "${wrong(plan, 'bucket plan')}: \"dimension\" must be a whole number from 1. ${REMEDY}")
        Documents.require(buckets instanceof List && buckets.every(isBucket),
            "${wrong(plan, 'bucket plan')}: \"buckets\" must be a list of buckets with name, rows and sources. ${REMEDY}")
        return document
    }

    private static String wrong(Path plan, String what) {
        return "${plan.toUriString()}: this ${what} is damaged"
    }
}
