import java.nio.file.Path
import nextflow.Global

/** The plans that PACK_BUCKETS and PLAN_SEARCH write (docs/formats.md), as the pipeline's head needs them. */
class Plan {

    private static final String REMEDY = 'Run again without -resume.'

    /** [bucket, plan file, shards of its sources in the plan's order] for every bucket of the plan. */
    static List<List> buckets(Path plan, List<Path> shards) {
        return parse(plan).collect { bucket ->
            def own = bucket.sources.collect { source ->
                Documents.require(Documents.isWhole(source.shard) && source.shard < shards.size(),
                    "${wrong(plan, 'bucket plan')}: \"shard\" of a source of ${bucket.bucket} is ${source.shard}, " +
                    "but there are ${shards.size()} shards. ${REMEDY}")
                shards[source.shard as int]
            }
            [bucket.bucket, plan, own]
        }
    }

    /** Names of the plan's buckets. */
    static List<String> names(Path plan) {
        return parse(plan)*.bucket
    }

    /** [suffix of the names of its files, range of queries] for every part of a search; where it is one: no suffix, all. */
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

    /** Whether tasks run on other machines, side by side. */
    static boolean isCluster() {
        return (Global.session.config.process?.executor ?: 'local') != 'local'
    }

    private static List<Map> parse(Path plan) {
        def buckets = Documents.read(plan, 'bucket plan', REMEDY).buckets
        def isBucket = { bucket ->
            bucket instanceof Map && DatabaseUri.isBucket(bucket.bucket) && bucket.sources instanceof List &&
                bucket.sources && bucket.sources.every { source -> source instanceof Map }
        }
        Documents.require(buckets instanceof List && buckets.every(isBucket),
            "${wrong(plan, 'bucket plan')}: \"buckets\" must be a list of buckets with name and sources. ${REMEDY}")
        return buckets as List<Map>
    }

    private static String wrong(Path plan, String what) {
        return "${plan.toUriString()}: this ${what} is damaged"
    }
}
