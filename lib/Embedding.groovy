import java.nio.file.Files
import java.nio.file.Path

/** What turns sequences into vectors in this run: --model, and the parameters of language models. */
class Embedding {

    /** Options of embed-sequences, by the parameters that they come from. */
    private static final Map<String, String> OPTIONS = [
        pooling: 'pooling', hidden_state: 'hidden_state', max_length: 'max_length', long_sequences: 'long',
        unknown_letters: 'unknown-letters', trailing_stop: 'trailing-stop', precision: 'precision', device: 'device', cache: 'cache',
    ]
    /** What a model consists of. Weights of other formats may lie beside it, and are not moved about. */
    private static final String MODEL_FILE = /(?i)[^.].*\.(json|txt|model|safetensors)/

    /**
     * @param params as given; already checked one by one
     * @return [options: of embed-sequences, `model` among them; files: of a model folder, staged as `model`]
     */
    static Map check(Map params) {
        def given = OPTIONS.keySet().findAll { name -> params[name] != null }
        if (params.model.toString() == 'kmer') {
            if (given) Parameters.stop("--${given.first()} is for language models; --model kmer has no such choice. Leave it out.")
            return [options: [model: 'kmer'], files: []]
        }
        if (params.precision == 'int8' && params.device == 'cuda')
            Parameters.stop('--precision int8 is for --device cpu. Leave out one of the two.')
        def options = given.collectEntries { name -> [OPTIONS[name], params[name]] }
        if (options.cache != null) options.cache = cacheFolder(options.cache)
        // The tasks fetch it by themselves, once a machine; what is there is taken not to change.
        if (params.model.toString().startsWith('s3://')) return [options: [model: params.model.toString()] + options, files: []]
        return [options: [model: 'model'] + options, files: filesOf(params.model)]
    }

    /**
     * Where embedding tasks keep finished vectors: a folder that outlives a killed task and that the next try finds, which
     * its own work folder is not; '' where `work` is no local folder, and for kmer.
     */
    static String checkpoints(Map options, Path work) {
        if (options.model == 'kmer' || work.fileSystem.provider().scheme != 'file') return ''
        return Files.createDirectories(work.resolve('embedding-blocks')).toString()
    }

    /** What a container needs to see of the host's folders that no input names. */
    static String mounts(Map options, String checkpoints) {
        return Containers.mount([options.cache, checkpoints])
    }

    /** One file after another, and not the folder: so a changed file is noticed, and links that leave the folder are followed. */
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

    /** Made here: a container can only be given a folder that is there. */
    private static String cacheFolder(Object cache) {
        if (cache.toString() =~ /^[A-Za-z][A-Za-z0-9+.-]*:\/\//)
            Parameters.stop("--cache ${cache}: must be a folder that all tasks can write to, not an address.")
        def folder = HostPath.named(cache, '--cache')
        if (Files.exists(folder) && !Files.isDirectory(folder)) Parameters.stop("--cache ${cache} is a file; name a folder.")
        try {
            Files.createDirectories(folder)
        }
        catch (IOException problem) {
            Parameters.stop("--cache ${cache}: this folder cannot be made: ${HostPath.reasonOf(problem)}")
        }
        return folder.toString()
    }
}
