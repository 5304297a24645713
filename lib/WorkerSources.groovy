import java.nio.file.Files
import java.nio.file.Path
import java.security.MessageDigest

/**
 * Identifies a worker's code. Every process has the hash of its own command as an input, so that -resume runs
 * a stage again when its worker has changed, and leaves the others alone. (A call inside the script would not do:
 * Nextflow's cache key has the script as it is written.) In a container, the worker holds it against its own:
 * workers/src/app/worker-sources.ts computes the same.
 */
class WorkerSources {

    /** `from './x.ts'`, `import './x.ts'` and `import('./x.ts')`. */
    private static final String IMPORT = /(?:\bfrom|\bimport)\s*\(?\s*['"](\.{1,2}\/[^'"]+)['"]/

    /** What only a database or a model on S3 needs. A run without them does not depend on it. */
    private static final List<String> OF_S3 = ['workers/src/s3', 'workers/src/database/s3']

    /**
     * By module, whose command has hyphens for its underscores: SHA-256 of its file, of all that it imports from workers/src, and of
     * the packages' versions.
     */
    static Map<String, String> hashes(Path projectDir, boolean usesS3) {
        def home = projectDir.normalize()
        def modules = Files.list(home.resolve('modules')).withCloseable { paths -> paths.collect { path -> path.fileName.toString() } }
        return modules.collectEntries { name ->
            [(name): digest(home, "workers/src/commands/${name.replace('_', '-')}.ts", usesS3)]
        }
    }

    /** The files that a command consists of. */
    static Collection<Path> files(Path projectDir, String main, boolean usesS3) {
        def found = new TreeSet<Path>()
        def waiting = [projectDir.resolve(main)]
        while (waiting) {
            def file = waiting.pop()
            if (!usesS3 && OF_S3.any { folder -> file.startsWith(projectDir.resolve(folder)) }) continue
            if (!Files.isRegularFile(file) || !found.add(file)) continue
            (file.getText('UTF-8') =~ IMPORT).each { match -> waiting << file.resolveSibling(match[1]).normalize() }
        }
        return found
    }

    private static String digest(Path projectDir, String main, boolean usesS3) {
        def sha = MessageDigest.getInstance('SHA-256')
        def sources = files(projectDir, main, usesS3) + [projectDir.resolve('package-lock.json')]
        sources.each { file ->
            sha.update("${projectDir.relativize(file)}\n".getBytes('UTF-8'))
            if (Files.exists(file)) sha.update(Files.readAllBytes(file))
        }
        return sha.digest().encodeHex().toString().take(32)
    }
}
