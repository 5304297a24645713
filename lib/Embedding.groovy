import java.nio.file.Files
import java.nio.file.Path

/** The embedding of this run: --model, and the parameters of language models. */
class Embedding {

    /** Options of embed-sequences by parameter. */
    private static final Map<String, String> OPTIONS = [
        pooling: 'pooling', hidden_state: 'hidden_state', max_length: 'max_length', long_sequences: 'long',
        unknown_letters: 'unknown-letters', trailing_stop: 'trailing-stop', precision: 'precision', device: 'device', cache: 'cache',
    ]
    /** Options of reading FASTA, of split-sequences too. */
    private static final List<String> READING = ['allow_nucleotide', 'strict']
    /** The files of a model. The folder may also have weights in other formats, which are not staged. */
    private static final String MODEL_FILE = /(?i)[^.].*\.(json|txt|model|safetensors)/

    /**
     * Checks the combination of the parameters of embedding.
     * @param params the user's parameters, already checked one by one
     * @return [options: options of embed-sequences, with `model`; files: files of a model folder, staged as `model`]
     */
    static Map check(Map params) {
        def embedding = ofModel(params)
        return embedding + [options: embedding.options + readingOf(params)]
    }

    /** Returns the options of reading FASTA that are set, and the columns that are kept of it. */
    static Map readingOf(Map params) {
        return READING.findAll { name -> params[name] }.collectEntries { name -> [(name): true] } + [keep: KeptColumns.ofFasta(params.keep)]
    }

    private static Map ofModel(Map params) {
        def present = OPTIONS.keySet().findAll { name -> params[name] != null }
        if (params.model.toString() == 'kmer') {
            if (present) Parameters.stop("--${present.first()} is for language models; --model kmer does not have this option. Remove it.")
            return [options: [model: 'kmer'], files: []]
        }
        if (params.precision == 'int8' && params.device == 'cuda')
            Parameters.stop('--precision int8 is for --device cpu. Remove one of the two.')
        def options = present.collectEntries { name -> [OPTIONS[name], params[name]] }
        if (options.cache != null) options.cache = cacheFolder(options.cache)
        // Tasks fetch it themselves, once per machine. A model on S3 is assumed not to change.
        if (params.model.toString().startsWith('s3://')) return [options: [model: params.model.toString()] + options, files: []]
        return [options: [model: 'model'] + options, files: filesOf(params.model)]
    }

    /**
     * Returns the folder in which embedding tasks keep finished vectors for the task that repeats a killed one, because each task has a new
     * work folder. '' if `work` is not a local folder, and for kmer.
     */
    static String checkpoints(Map options, Path work) {
        if (options.model == 'kmer' || work.fileSystem.provider().scheme != 'file') return ''
        return Files.createDirectories(work.resolve('embedding-blocks')).toString()
    }

    /** Returns the container options that mount the host folders of embedding tasks. */
    static String mounts(Map options, String checkpoints) {
        return Containers.mount([options.cache, checkpoints])
    }

    /** Lists the files instead of the folder, so that Nextflow notices a changed file, and follows links out of the folder. */
    private static List<Path> filesOf(Object model) {
        def folder = HostPath.named(model, '--model')
        if (!Files.isDirectory(folder))
            Parameters.stop("--model ${model}: no such folder. Name a model's folder, or kmer, the built-in embedder without weights.")
        def stream = Files.newDirectoryStream(folder)
        try {
            def files = stream.findAll { file -> Files.isRegularFile(file) && file.name ==~ MODEL_FILE }
            if (!files.any { file -> file.name == 'config.json' })
                Parameters.stop("--model ${model}: no config.json in this folder. A model's folder has it, the tokenizer's file and model.safetensors.")
            return files.sort { file -> file.name }.collect { file -> Staging.place(file, '--model', true) }
        }
        finally {
            stream.close()
        }
    }

    /** Creates the folder of --cache, because a container engine mounts only existing folders. */
    private static String cacheFolder(Object cache) {
        if (cache.toString() =~ /^[A-Za-z][A-Za-z0-9+.-]*:\/\//)
            Parameters.stop("--cache ${cache}: must be a folder that all tasks can write to, not an address.")
        def folder = HostPath.named(cache, '--cache')
        if (Files.exists(folder) && !Files.isDirectory(folder)) Parameters.stop("--cache ${cache} is a file; name a folder.")
        try {
            Files.createDirectories(folder)
        }
        catch (IOException problem) {
            Parameters.stop("--cache ${cache}: this folder cannot be created: ${HostPath.reasonOf(problem)}")
        }
        return folder.toString()
    }
}
