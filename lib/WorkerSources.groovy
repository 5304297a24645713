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

    private static final List<String> COMMANDS = [
        'split-sequences', 'embed-sequences', 'describe-shard', 'pack-buckets', 'ingest-bucket', 'index-bucket', 'fetch-queries', 'plan-search',
        'search-bucket', 'merge-hits', 'render-report',
    ]

    /** `from './x.ts'`, `import './x.ts'` and `import('./x.ts')`. */
    private static final String IMPORT = /(?:\bfrom|\bimport)\s*\(?\s*['"](\.{1,2}\/[^'"]+)['"]/

    /**
     * By command, with underscores for hyphens: SHA-256 of its file, of all that it imports from workers/src, and of
     * the packages' versions.
     */
    static Map<String, String> hashes(Path projectDir) {
        return COMMANDS.collectEntries { command ->
            def main = projectDir.resolve("workers/src/commands/${command}.ts")
            [(command.replace('-', '_')): digest(projectDir, main)]
        }
    }

    /** The files that a command consists of. */
    static Collection<Path> files(Path main) {
        def found = new TreeSet<Path>()
        def waiting = [main.normalize()]
        while (waiting) {
            def file = waiting.pop()
            if (!Files.isRegularFile(file) || !found.add(file)) continue
            (file.getText('UTF-8') =~ IMPORT).each { match -> waiting << file.resolveSibling(match[1]).normalize() }
        }
        return found
    }

    private static String digest(Path projectDir, Path main) {
        def sha = MessageDigest.getInstance('SHA-256')
        def sources = files(main) + [projectDir.resolve('package-lock.json')]
        sources.each { file ->
            sha.update("${projectDir.relativize(file)}\n".getBytes('UTF-8'))
            if (Files.exists(file)) sha.update(Files.readAllBytes(file))
        }
        return sha.digest().encodeHex().toString().take(32)
    }
}
