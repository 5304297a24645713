import java.nio.file.Files
import java.nio.file.Path
import nextflow.Global
import nextflow.Nextflow

/** The database from the view of the pipeline's head: its address and its catalog. The head neither opens nor stages tables. */
class DatabaseUri {

    /** Rule for bucket names, which the workers read from the same file. Without workers, as in a stub run of the bare pipeline, any name is valid. */
    private static final String BUCKET = bucketPattern()

    /** Returns the absolute path of a folder, or the s3:// prefix without a trailing slash. Stops the run if the value is neither. */
    static String absolute(Object database) {
        def text = database.toString()
        def scheme = text =~ /^([A-Za-z][A-Za-z0-9+.-]*):\/\//
        if (scheme && scheme[0][1] != 's3')
            Parameters.stop("--database ${text}: '${scheme[0][1]}://' is not supported; name a folder or an s3:// prefix.")
        if (scheme) return text.replaceAll(/\/+$/, '')
        if (text =~ /(?i)^\s*s3[an]?:/)
            Parameters.stop("--database ${text}: an address on S3 is written s3://bucket/path.")
        def path = HostPath.named(text, '--database')
        if (Files.exists(path) && !Files.isDirectory(path)) Parameters.stop("--database ${text} is a file; name a folder.")
        return path.toString()
    }

    /** Lists [bucket, fingerprint, bytes] of the buckets in the catalog whose names are not in `except`, by name. */
    static List<List> entries(String database, Collection<String> except = []) {
        return catalog(database).findAll { entry -> !(entry.bucket in except) }
            .collect { entry -> [entry.bucket, entry.fingerprint, entry.bytes] }
    }

    /** Lists entries as `entries` does, but stops the run if the database has no bucket. */
    static List<List> requireEntries(String database) {
        def found = entries(database)
        if (!found)
            Parameters.stop("--database ${database}: there are no buckets in this database. Build it first, with --input.")
        return found
    }

    /** Reads [bucket, fingerprint, bytes: null if unknown] from a catalog entry. The fingerprint changes with the table. */
    static List entry(String bucket, Path file) {
        def record = read(file)
        return [bucket, record.fingerprint.toString(), record.bytes]
    }

    /** Lists the names of the columns that any bucket keeps, sorted. */
    static List<String> columns(String database) {
        return catalog(database).collectMany { entry -> entry.columns instanceof List ? entry.columns*.name*.toString() : [] }.unique().sort()
    }

    /** Lists the names of the buckets whose hits have no p-values, because an earlier version built them, sorted. */
    static List<String> withoutPValues(String database) {
        return catalog(database).findAll { entry -> !entry.hasNullDistances }*.bucket*.toString()
    }

    /** Returns the attributes of the database's vectors, including `model` and `model_hash` if known. */
    static Map model(String database) {
        def models = catalog(database).collect { entry -> entry.model }
        return models.find { model -> model instanceof Map && model.model } ?: [:]
    }

    private static Map read(Path entry) {
        def remedy = 'Remove it and build its bucket again.'
        def record = Documents.read(entry, 'catalog entry', remedy)
        def isModel = record.model == null || record.model instanceof Map
        def isSize = record.bytes == null || Documents.isWhole(record.bytes)
        Documents.require(Documents.isText(record.fingerprint) && isModel && isSize, "${entry.toUriString()}: this catalog entry is " +
            "damaged: \"fingerprint\" must be a text, \"model\" an object and \"bytes\" a whole number. ${remedy}")
        return record
    }

    private static String bucketPattern() {
        def rule = WorkerSources.document('database/catalog/bucket-name.json')
        return rule ? rule.pattern : /.+/
    }

    /** Returns whether a value is a valid bucket name. */
    static boolean isBucket(Object name) {
        return name instanceof CharSequence && name ==~ BUCKET
    }

    /**
     * Checks that the database has a bucket in the state in which this run's stages left it. If these stages were cached, the folder may have
     * been removed since, or another run may have built the bucket with other settings.
     * @return [bucket, fingerprint]: the present one if rows were only deleted since
     */
    static List<String> requireEntry(String database, String bucket, String fingerprint) {
        def found = isRemote(database) ? RemoteCatalog.entry(database, bucket, fingerprint) : localEntry(database, bucket)
        if (found == null)
            Nextflow.error("${database}: ${bucket} was built by an earlier run, but is no longer in the database. Run again without -resume.")
        if (found.fingerprint != fingerprint && !(fingerprint in found.revisionOf))
            Nextflow.error("${database}: another run has rebuilt ${bucket}, or replaced files in it, so the cached results of this run are out of date. " +
                "To search the database as it is, run without --input. To add what it lacks, run without -resume. " +
                "To rebuild the bucket, remove ${database}/_catalog/${bucket}.json before that.")
        return [bucket, found.fingerprint]
    }

    private static Map localEntry(String database, String bucket) {
        def file = folder(database).resolve("${bucket}.json")
        return Files.exists(file) ? described(file) : null
    }

    /** Reads bucket, fingerprint, the fingerprints before deletions, whether its hits get p-values, and bytes, model and kept columns if known. */
    private static Map described(Path file) {
        def entry = read(file)
        def revisionOf = entry.revision instanceof Map && entry.revision.of instanceof List ? entry.revision.of : []
        def replaces = entry.replaces instanceof List ? entry.replaces.findAll { other -> other instanceof Map } : []
        return [bucket: file.baseName, fingerprint: entry.fingerprint.toString(), revisionOf: revisionOf, bytes: entry.bytes, model: entry.model,
            columns: entry.columns, hasNullDistances: entry.nullDistances != null, replaces: replaces]
    }

    /** Lists [bucket, fingerprint, bytes, model, columns, hasNullDistances] of all buckets, by name. */
    private static List<Map> catalog(String database) {
        if (isRemote(database)) return RemoteCatalog.entries(database)
        def found = catalogFiles(database).collect { file -> described(file) }
        // A merged bucket replaces others, whose entries are removed after its own is written.
        def replaced = found.collectMany { entry -> entry.replaces }.collect { entry -> [entry.bucket, entry.fingerprint] } as Set
        return found.findAll { entry -> !([entry.bucket, entry.fingerprint] in replaced) }.sort { entry -> entry.bucket }
    }

    static boolean isRemote(String database) {
        return database.startsWith('s3://')
    }

    /** Creates the folder of a local database, or of --nvme, because a container engine mounts only existing folders. */
    static void create(String database) {
        def folder = isRemote(database) ? nvme(database) : database
        if (folder) Files.createDirectories(Path.of(folder))
    }

    /** Returns the folder of --nvme if containers must mount it; on AWS Batch the profile mounts it. */
    static String nvme(String database) {
        def session = Global.session
        def onBatch = session.config.process?.executor == 'awsbatch'
        return isRemote(database) && !onBatch ? session.params.nvme?.toString() : null
    }

    /** Returns the container options that mount a local database and other folders under the same paths. */
    static String mount(String... folders) {
        return Containers.mount(folders.toList())
    }

    /** Mounts a local database as `mount` does, but only where it exists. */
    static String mountExisting(String database) {
        return isRemote(database) || Files.isDirectory(Path.of(database)) ? mount(database) : ''
    }

    /**
     * Returns the folder in which searches keep finished query blocks for the task that repeats a killed one, because each task has a new work
     * folder. '' if `work` is not a local folder.
     */
    static String checkpoints(Path work) {
        if (work.fileSystem.provider().scheme != 'file') return ''
        return Files.createDirectories(work.resolve('search-blocks')).toString()
    }

    private static List<Path> catalogFiles(String database) {
        def catalog = folder(database)
        // A catalog without permission, or one that is not a folder, must not look like an empty database.
        if (Files.notExists(catalog) && !Files.isSymbolicLink(catalog)) return []
        if (!Files.isDirectory(catalog) || !Files.isReadable(catalog))
            Parameters.stop("--database: ${catalog.toUriString()} cannot be read as a folder. Check its type and its permissions.")
        def stream = Files.newDirectoryStream(catalog)
        try {
            return stream.findAll { file -> file.name.endsWith('.json') && isBucket(file.baseName) }
        }
        finally {
            stream.close()
        }
    }

    private static Path folder(String database) {
        return Path.of(database, '_catalog')
    }
}
