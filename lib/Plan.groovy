import groovy.json.JsonSlurper
import java.nio.file.Path

/** The bucket plan that PACK_BUCKETS writes (docs/formats.md), as the pipeline's head needs it. */
class Plan {

    /** [bucket, plan file, shards of its sources in the plan's order] for every bucket of the plan. */
    static List<List> buckets(Path plan, List<Path> shards) {
        return parse(plan).collect { bucket ->
            [bucket.bucket, plan, bucket.sources.collect { source -> shards[source.shard as int] }]
        }
    }

    /** Names of the plan's buckets. */
    static List<String> names(Path plan) {
        return parse(plan)*.bucket
    }

    private static List<Map> parse(Path plan) {
        return new JsonSlurper().parseText(plan.getText('UTF-8')).buckets as List<Map>
    }
}
