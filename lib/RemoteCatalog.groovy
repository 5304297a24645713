import nextflow.Global

/**
 * Reads the catalog of a database on S3 through a worker command, because Nextflow accesses S3 through a plugin, which finds endpoint and
 * credentials in other places than the workers.
 */
class RemoteCatalog {

    /** The last listing by database. A listing takes a second, and a run with hundreds of cached buckets would need hundreds. */
    private static final Map<String, List<Map>> READ = [:]

    /** Lists [bucket, fingerprint, bytes, model, columns, hasNullDistances] of all buckets, by name. Stops the run if the database cannot be read. */
    static synchronized List<Map> entries(String database) {
        // A stub run builds nothing, and must not send requests.
        if (Global.session.stubRun) return []
        def lanceflow = Global.session.baseDir.resolve('bin/lanceflow').toString()
        def builder = new ProcessBuilder([lanceflow, 'catalog', '--database', database, '--brief', '--json'])
        // The same settings as for tasks, such as requester pays.
        def settings = (Global.session.config.env ?: [:]).findAll { name, _value -> name.toString().startsWith('LANCEFLOW_S3_') }
        builder.environment().putAll(settings.collectEntries { name, value -> [name.toString(), value.toString()] })
        def printed = Program.output(builder) { messages -> Parameters.stop(messages) }
        def where = "${database}: lanceflow catalog"
        def remedy = 'Run lanceflow catalog --brief --json to see what it prints.'
        def found = Documents.parse(printed, where, 'list of buckets', remedy).entries
        Documents.require(found instanceof List && found.every { entry -> entry instanceof Map && DatabaseUri.isBucket(entry.bucket) &&
            Documents.isText(entry.fingerprint) && Documents.isWhole(entry.bytes) },
            "${where}: a bucket has no name, no fingerprint or no size. ${remedy}")
        READ[database] = found
        return found
    }

    /** Returns a bucket; null if it does not exist. Reads the catalog again unless the last listing has the expected fingerprint. */
    static synchronized Map entry(String database, String bucket, String expected) {
        def known = READ[database]?.find { entry -> entry.bucket == bucket }
        def found = known?.fingerprint == expected ? known : entries(database).find { entry -> entry.bucket == bucket }
        return found == null ? null : [fingerprint: found.fingerprint, revisionOf: found.revisionOf ?: []]
    }
}
