import groovy.json.JsonSlurper
import java.nio.file.Files
import java.nio.file.Path
import java.security.MessageDigest

/**
 * Identifies a worker's code. Every process has the hash of its command as an input, so that -resume runs a stage again when its worker has
 * changed, and no other stage. (A call inside the script would not suffice, because Nextflow's cache key contains the script's source.) The
 * workers compute the hashes themselves (workers/src/app/worker-sources.ts); in a container, a worker checks the hash that it receives.
 */
class WorkerSources {

    /**
     * Returns the hash of each module's command. A machine without the workers' Node, such as one that only starts containers, cannot determine
     * which files a command imports. There, every module has the hash of all sources, and any change runs all stages again.
     * @param places the database, and the model if the run has one. Sources that only S3, or only a database in a folder needs, are included
     *   if one is used
     */
    static Map<String, String> hashes(Path projectDir, List places) {
        def home = projectDir.normalize()
        def node = home.resolve('node_modules/.bin/node')
        def script = home.resolve('workers/src/app/print-sources.ts')
        return Files.isExecutable(node) && Files.exists(script) ? ofCommands(node, script, home, storageOf(places)) : ofTree(home)
    }

    /** Reads a JSON file of the workers' sources. @return null without workers, as in a stub run of the bare pipeline */
    static Map document(String path) {
        // Relative to lib/, because the main script may be elsewhere.
        def lib = Path.of(WorkerSources.protectionDomain.codeSource.location.toURI()).toRealPath().parent
        def file = lib.resolveSibling("workers/src/${path}".toString())
        return Files.exists(file) ? new JsonSlurper().parse(file.toFile()) as Map : null
    }

    private static List<String> storageOf(List places) {
        def onS3 = places.collect { place -> place.toString().startsWith('s3://') }
        return (onS3.first() ? [] : ['--local']) + (onS3.any() ? ['--s3'] : [])
    }

    private static Map<String, String> ofCommands(Path node, Path script, Path home, List<String> storage) {
        def builder = new ProcessBuilder([node, script, '--json', *storage]*.toString())
        def printed = Program.output(builder) { messages ->
            Parameters.stop("${node} failed on the workers' sources: ${messages}\nRun npm --prefix ${Shell.quote(home)} run setup.")
        }
        return new JsonSlurper().parseText(printed) as Map<String, String>
    }

    private static Map<String, String> ofTree(Path home) {
        def folder = home.resolve('workers/src')
        def sources = Files.notExists(folder) ? [] : Files.walk(folder).withCloseable { paths ->
            paths.findAll { path -> Files.isRegularFile(path) }.collect { path -> home.relativize(path).toString() }
        }
        def sha = MessageDigest.getInstance('SHA-256')
        (sources + 'package-lock.json').sort().each { name ->
            def file = home.resolve(name)
            sha.update("${name}\n".getBytes('UTF-8'))
            if (Files.exists(file)) sha.update(Files.readAllBytes(file))
        }
        def hash = sha.digest().encodeHex().toString().take(32)
        def modules = Files.list(home.resolve('modules')).withCloseable { paths -> paths.collect { path -> path.fileName.toString() } }
        return modules.collectEntries { name -> [(name): hash] }
    }
}
