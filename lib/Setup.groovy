import groovy.json.JsonException
import groovy.json.JsonSlurper
import java.nio.file.Files
import java.nio.file.Path
import nextflow.Global

/** Checks the installation that the workers of this machine need. */
class Setup {

    /** Stops the run if its tasks use an installation that is missing, of another version, or of another platform. Containers have their own. */
    static void check(Path projectDir) {
        if (Containers.areUsed() || Global.session.containerConfig?.enabled) return
        // As bin/lanceflow finds it.
        def home = Path.of(System.getenv('LANCEFLOW_HOME') ?: projectDir.toString()).normalize()
        def problem = problemWith(home)
        if (problem) Parameters.stop("The workers cannot run: ${problem}. Run npm --prefix ${Shell.quote(home)} run setup.")
    }

    /** Returns what is wrong with the packages of a folder; null if they are those of its package.json. */
    static String problemWith(Path home) {
        def modules = home.resolve('node_modules')
        if (Files.notExists(modules)) return "${home} has no node_modules"
        def wanted = new JsonSlurper().parse(home.resolve('package.json').toFile()).dependencies as Map<String, String>
        def problems = wanted.collect { name, version -> versionProblem(modules, name, version) }.findAll()
        if (problems) return problems.take(3).join(', ') + (problems.size() > 3 ? " and ${problems.size() - 3} more" : '')
        return nodeProblem(modules.resolve('.bin/node'), "v${wanted.node}")
    }

    private static String versionProblem(Path modules, String name, String version) {
        def file = modules.resolve(name).resolve('package.json')
        if (Files.notExists(file)) return "${name} is not installed"
        // An interrupted installation leaves files that are cut or empty.
        def found = ''
        try {
            found = (new JsonSlurper().parse(file.toFile()) as Map).version
        }
        catch (JsonException | IllegalArgumentException _problem) {
            return "${name} is damaged"
        }
        return found == version ? null : "${name} is ${found}, not ${version}"
    }

    /** Starts Node, which a folder that was copied from another platform cannot. */
    private static String nodeProblem(Path node, String version) {
        def found = ''
        def fails = false
        try {
            found = Program.output(new ProcessBuilder(node.toString(), '--version')) { _messages -> fails = true }.trim()
        }
        catch (IOException _problem) {
            fails = true
        }
        if (fails) return "${node} does not start on this machine"
        return found == version ? null : "${node} is ${found}, not ${version}"
    }
}
