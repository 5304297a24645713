import groovy.json.JsonSlurper
import java.nio.file.Path
import nextflow.Global

/** The plans that PACK_BUCKETS and PLAN_SEARCH write (docs/formats.md), as the pipeline's head needs them. */
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

    /** [suffix of the names of its files, range of queries] for every part of a search; where it is one: no suffix, all. */
    static List<List<String>> parts(Path plan) {
        def parts = new JsonSlurper().parseText(plan.getText('UTF-8')).parts as List<Map>
        if (parts.size() == 1) return [['', '']]
        return parts.withIndex(1).collect { part, i -> [String.format('.part_%05d', i), "${part.first}:${part.end}".toString()] }
    }

    /** Whether tasks run on other machines, side by side. */
    static boolean isCluster() {
        return (Global.session.config.process?.executor ?: 'local') != 'local'
    }

    private static List<Map> parse(Path plan) {
        return new JsonSlurper().parseText(plan.getText('UTF-8')).buckets as List<Map>
    }
}
