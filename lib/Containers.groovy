import java.nio.file.Files
import java.nio.file.Path
import nextflow.Global

/** The container engine of this run, and the host folders that it mounts. */
class Containers {

    /** Engines whose image is a file, and whose option for mounts is `--bind`, not `--volume`. */
    private static final List<String> IMAGE_FILE_ENGINES = ['singularity', 'apptainer']

    /** Returns whether tasks run in containers, and so see only mounted folders. */
    static boolean areUsed() {
        def config = Global.session.config
        return (['docker', 'podman'] + IMAGE_FILE_ENGINES).any { engine -> config[engine]?.enabled } || config.process?.executor == 'awsbatch'
    }

    /** Returns the engine's options that mount host folders under the same paths. Addresses and empty texts are skipped. */
    static String mount(Collection<?> folders) {
        def option = usesImageFile() ? '--bind' : '--volume'
        return folders.findAll { folder -> folder && !folder.toString().contains('://') }
            .collect { folder -> "${option} ${Shell.quote("${folder}:${folder}")}" }
            .join(' ')
    }

    /** Returns the characters that are special in the engine's options for mounts: a mounted path must not contain them. */
    static String separators() {
        return !areUsed() ? '' : usesImageFile() ? ':,' : ':'
    }

    /** Stops the run if the image does not exist, or no profile names an executor. */
    static void check(Map params) {
        if (!usesImageFile()) return
        def config = Global.session.config
        def engine = IMAGE_FILE_ENGINES.find { name -> config[name]?.enabled }
        def others = (Global.session.profile ?: '').tokenize(',')*.trim() - IMAGE_FILE_ENGINES
        if (!config.process?.executor && others.empty)
            Parameters.stop("-profile ${engine} names a container engine but no executor: use -profile standard,${engine} on this machine, or " +
                "-profile slurm,${engine} on a cluster.")
        def image = config.process?.container?.toString()
        if (image == null || image.contains('://')) return
        if (!Files.isRegularFile(Path.of(image)) && !Files.isDirectory(Path.of(image)))
            Parameters.stop("--container ${image}: no such image. Convert the workers' image (containers/README.md): " +
                "${engine} build lanceflow.sif docker-archive:lanceflow.tar")
    }

    private static boolean usesImageFile() {
        return IMAGE_FILE_ENGINES.any { engine -> Global.session.config[engine]?.enabled }
    }
}
