import java.nio.file.Files
import java.nio.file.Path
import nextflow.Global

/** The containers that tasks run in, if any, and the folders of the host that they are given. */
class Containers {

    /** Engines whose image is a file, and which know `--bind` instead of `--volume`. */
    private static final List<String> OF_FILES = ['singularity', 'apptainer']

    /** Whether tasks of this run see only the folders that they are given. */
    static boolean areUsed() {
        def config = Global.session.config
        return (['docker', 'podman'] + OF_FILES).any { engine -> config[engine]?.enabled } || config.process?.executor == 'awsbatch'
    }

    /** What a container needs to see folders of the host, under the same paths; addresses and empty texts are passed over. */
    static String mount(Collection<?> folders) {
        def option = isOfFile() ? '--bind' : '--volume'
        return folders.findAll { folder -> folder && !folder.toString().contains('://') }
            .collect { folder -> "${option} ${Shell.quote("${folder}:${folder}")}" }
            .join(' ')
    }

    /** Characters that separate folders, and the folder here from that there, in the options of the engine: none may have them. */
    static String separators() {
        return !areUsed() ? '' : isOfFile() ? ':,' : ':'
    }

    /** Stops the run where the image is not there, or where nothing says on what machines the tasks run. */
    static void check(Map params) {
        if (!isOfFile()) return
        def config = Global.session.config
        def engine = OF_FILES.find { name -> config[name]?.enabled }
        def others = (Global.session.profile ?: '').tokenize(',')*.trim() - OF_FILES
        if (!config.process?.executor && others.empty)
            Parameters.stop("-profile ${engine} says in what tasks run, not where: -profile standard,${engine} on this machine, " +
                "-profile slurm,${engine} on a cluster.")
        def image = config.process?.container?.toString()
        if (image == null || image.contains('://')) return
        if (!Files.isRegularFile(Path.of(image)) && !Files.isDirectory(Path.of(image)))
            Parameters.stop("--container ${image}: there is no such image. Convert the workers' image (containers/README.md): " +
                "${engine} build lanceflow.sif docker-archive:lanceflow.tar")
    }

    private static boolean isOfFile() {
        return OF_FILES.any { engine -> Global.session.config[engine]?.enabled }
    }
}
