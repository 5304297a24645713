import java.nio.file.Files
import java.nio.file.Path

/** The request of one run: the checked combination of parameters, and all input files. */
class Request {

    /** Buckets that a message names. */
    private static final int MOST_NAMED = 5

    /**
     * Checks the combination of parameters, and finds the inputs. Stops the run if something is wrong.
     * @param params the user's parameters, already checked one by one
     * @param work the work folder
     * @param isStub whether this is a stub run, which replaces missing inputs with the bundled test files
     * @return [inputs, queries: files (see InputFiles), query_ids: file or null, embedding: see Embedding, embedding_cache: see EmbeddingCache,
     *   database: absolute, entries: the catalog if nothing is built, workers: hash by module, and the other parameters]
     */
    static Map check(Map params, Path projectDir, Path work, boolean isStub) {
        def given = isStub && !params.input && !params.queries && !params.query_ids ? params + standIns(params, projectDir) : params
        requireAll(given)
        KeptColumns.check(given.keep)
        ResultColumns.checkAlignment(given)
        if (given.max_evalue != null && given.refine_factor == 0)
            Parameters.stop('--max_evalue: with --refine_factor 0, distances are estimates, which have no E-values. Omit one of them.')
        if (!isStub) Setup.check(projectDir)
        Staging.checkFolders(projectDir)
        checkOutdir(given.outdir)
        if (given.nvme && !given.nvme.toString().startsWith('/'))
            Parameters.stop("--nvme ${given.nvme}: it must be an absolute path, the same on every machine.")
        checkMonitoring(given.monitoring)
        ['max_cpus', 'max_memory'].each { name ->
            if (given[name] != null && Resources.isBatch())
                Parameters.stop("--${name}: not with -profile awsbatch; there, --aws_storage_cpus and --aws_storage_memory set the size of a machine.")
        }
        Containers.check(given)
        ['database', 'nvme', 'cache'].each { name -> checkMount(name, given[name]) }
        def inputs = given.input ? namedShards(InputFiles.resolve(given.input, 'input'), given) : []
        if (!isStub) KeptColumns.requireKnown(given, inputs, projectDir)
        def queries = given.queries ? namedShards(InputFiles.resolve(given.queries, 'queries'), given) : []
        def database = DatabaseUri.absolute(given.database)
        // A search without a build needs an existing database: checked before any task starts.
        def entries = inputs ? [] : isStub ? [['bucket_00001', 'stub', null]] : DatabaseUri.requireEntries(database)
        if (!isStub && queries) ResultColumns.checkQueries(given, queries, projectDir)
        if (!isStub && inputs) ResultColumns.checkBuilt(given, inputs, database, projectDir)
        else if (!isStub) ResultColumns.check(given, database)
        if (!isStub && !inputs && (queries || given.query_ids) && given.max_evalue != null) checkPValues(database)
        def fasta = (inputs + queries).find { file -> file.kind == 'fasta' }
        def own = fasta && !given.model && !inputs && !isStub ? DatabaseUri.model(database) : [:]
        def model = fasta && !given.model ? modelOf(database, own, fasta) : given.model
        return given + [
            inputs: inputs,
            queries: queries,
            query_ids: given.query_ids ? InputFiles.idList(given.query_ids) : null,
            plan_prices: given.plan_prices ? RunPlan.prices(given.plan_prices) : null,
            database: database,
            embedding: fasta ? Embedding.check(given + [model: model]) : [options: [:], files: []],
            embedding_cache: isStub ? null : EmbeddingCache.place(given.embedding_cache, work),
            entries: entries,
            workers: WorkerSources.hashes(projectDir, [database, model].findAll()),
        ]
    }

    /** Checks that all hits will have the p-values that --max_evalue needs. Stops the run if an earlier version built any bucket. */
    private static void checkPValues(String database) {
        def without = DatabaseUri.withoutPValues(database)
        if (!without) return
        def names = without.take(MOST_NAMED).join(', ') + (without.size() > MOST_NAMED ? ", ... (${without.size()} buckets)" : '')
        Parameters.stop("--max_evalue: hits of ${names} of ${database} have no p-values, because an earlier version built " +
            "${without.size() == 1 ? 'it' : 'them'}. Run bin/lanceflow index-bucket --bucket ${without[0]} --database ${database}" +
            "${without.size() == 1 ? '' : ', and for the others'}, or search without --max_evalue.")
    }

    /** Checks the folder of events and metrics, and creates it, because a container engine mounts only existing folders. */
    private static void checkMonitoring(Object folder) {
        if (!folder) return
        if (Resources.isBatch())
            Parameters.stop("--monitoring: tasks on AWS Batch share no folder. Their metrics are in CloudWatch (docs/aws.md#metrics-of-the-tasks).")
        if (!folder.toString().startsWith('/'))
            Parameters.stop("--monitoring ${folder}: it must be an absolute path, the same on every machine.")
        if (Files.exists(Path.of(folder.toString())) && !Files.isDirectory(Path.of(folder.toString())))
            Parameters.stop("--monitoring ${folder} is a file; name a folder.")
        try {
            Files.createDirectories(Path.of(folder.toString()))
        }
        catch (IOException problem) {
            Parameters.stop("--monitoring ${folder}: this folder cannot be created: ${HostPath.reasonOf(problem)}")
        }
    }

    /** HDF5 files whose datasets the user names are imported, like files of other formats: later stages look for names by themselves. */
    private static List<Map> namedShards(List<Map> files, Map given) {
        if (given.h5_embedding == null && given.h5_id == null) return files
        return files.collect { file -> file.kind == 'shard' ? file + [kind: 'vectors'] : file }
    }

    /** Checks the place of the results: a folder, or a prefix on S3, for which Nextflow needs its plugin. */
    private static void checkOutdir(Object outdir) {
        def text = outdir.toString()
        if (text.contains('://') && !text.startsWith('s3://'))
            Parameters.stop("--outdir ${text}: results cannot be written there; name a folder or an s3:// prefix.")
        if (text != text.trim()) Parameters.stop("--outdir '${text}': spaces at the ends of its name; choose another folder.")
        def path = HostPath.named(text, '--outdir')
        if (!text.contains('://') && Files.exists(path) && !Files.isDirectory(path))
            Parameters.stop("--outdir ${text} is a file; name a folder.")
    }

    /** Checks that a folder can be mounted: engines expect mounts as `folder:folder`, and Singularity separates several by commas. */
    private static void checkMount(String name, Object folder) {
        if (!folder || folder.toString().contains('://')) return
        def odd = Containers.separators().find { letter -> folder.toString().contains(letter) }
        if (odd)
            Parameters.stop("--${name} ${folder}: a folder that containers mount cannot have '${odd}' in its path; choose another.")
    }

    private static Map standIns(Map params, Path projectDir) {
        def data = projectDir.resolve('test/pipeline/data')
        return [
            input: "${data}/proteins_*.fasta".toString(),
            queries: "${data}/queries.fasta".toString(),
            model: params.model ?: 'kmer',
            database: params.database ?: "${params.outdir}/stub-database".toString(),
        ]
    }

    private static void requireAll(Map given) {
        if (!given.input && !given.queries && !given.query_ids && !given.evaluate)
            Parameters.stop('Nothing to do: pass --input to build a database, --queries or --query_ids to search one, or both.\n' +
                'nextflow run main.nf --help lists the parameters.')
        if (given.replace && given.check_ids)
            Parameters.stop('--replace adds rows whose ids the database still has, which --check_ids refuses. Use one of them.')
        if (RunPlan.isAsked(given) && !given.input && !given.queries && !given.query_ids)
            Parameters.stop("--${given.plan_only ? 'plan_only' : 'budget'}: --evaluate alone cannot be planned. " +
                'Add --input, --queries or --query_ids, or remove this parameter.')
        if (!given.database)
            Parameters.stop('--database is missing: the folder (or s3:// prefix) of the database to build or search.')
    }

    /**
     * Returns the model to embed with if --model is missing: the model of the database, if it needs no weights.
     * @param own attributes of the database's vectors
     */
    private static String modelOf(String database, Map own, Map fasta) {
        if (own.model == 'kmer') return 'kmer'
        if (own.model)
            Parameters.stop("--model is missing: the vectors of ${database} are of the model ${own.model}" +
                "${own.model_hash ? " (model_hash ${own.model_hash})" : ''}, and the sequences of ${fasta.source} must be " +
                "embedded with the same. Name its folder.")
        Parameters.stop("--model is missing: it turns the sequences of ${fasta.source} into vectors. " +
            "Name a model's folder, or kmer, the built-in embedder without weights.")
        return null
    }
}
