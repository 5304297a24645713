import java.nio.file.Files
import java.nio.file.Path
import nextflow.file.FileHelper

/** What one run is asked to do: the parameters, checked together, with every input file found. */
class Request {

    /**
     * @param params as given; already checked one by one
     * @param isStub whether nothing is really computed (-stub-run): then the bundled test files stand in for missing inputs
     * @return [inputs, queries: files (see InputFiles), model: folder or [], database: absolute, entries: what a search alone
     *   will search, workers: hash by command, and the other parameters]
     */
    static Map check(Map params, Path projectDir, boolean isStub) {
        def given = isStub && !params.input && !params.queries ? params + standIns(params, projectDir) : params
        requireAll(given)
        def inputs = given.input ? InputFiles.resolve(given.input, 'input') : []
        def queries = given.queries ? InputFiles.resolve(given.queries, 'queries') : []
        def database = DatabaseUri.absolute(given.database)
        def fasta = (inputs + queries).find { file -> file.kind == 'fasta' }
        if (fasta && !given.model)
            Parameters.stop("--model is missing: it turns the sequences of ${fasta.source} into vectors. " +
                "Name a model's folder, or kmer, the built-in embedder without weights.")
        // A search alone needs a database that is there: known before any task starts.
        def entries = inputs ? [] : isStub ? [['bucket_00001', 'stub']] : DatabaseUri.requireEntries(database)
        return given + [
            inputs: inputs,
            queries: queries,
            database: database,
            model: fasta ? modelFolder(given.model) : [],
            entries: entries,
            workers: WorkerSources.hashes(projectDir),
        ]
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
        if (!given.input && !given.queries)
            Parameters.stop('Nothing to do: give --input to build a database, --queries to search one, or both.\n' +
                'nextflow run main.nf --help lists the parameters.')
        if (!given.database)
            Parameters.stop('--database is missing: the folder (or s3:// prefix) of the database to build or search.')
    }

    /** The folder of the model's weights; [] for the embedder that has none. */
    private static Object modelFolder(Object model) {
        if (model.toString() == 'kmer') return []
        def folder = FileHelper.asPath(model.toString()).toAbsolutePath().normalize()
        if (!Files.isDirectory(folder))
            Parameters.stop("--model ${model}: no such folder. Name a model's folder, or kmer, the built-in embedder without weights.")
        return folder
    }
}
