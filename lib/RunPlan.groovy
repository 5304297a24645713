import groovy.json.JsonOutput
import groovy.json.JsonSlurper
import java.nio.file.Files
import java.nio.file.Path
import nextflow.Global
import nextflow.Nextflow
import org.slf4j.LoggerFactory

/** The plan of a run: what PLAN_RUN gets, and the budget that its plan must keep. */
class RunPlan {

    /** Parameters that are options of the command under the same name. */
    private static final List<String> OPTIONS = ['search', 'nprobes', 'refine_factor', 'target_recall', 'bucket_size', 'index', 'order',
        'vector_type', 'part_residues']
    /** Parameters whose work the command does not plan. */
    private static final List<String> UNPLANNED = ['align', 'columns', 'measure_recall', 'evaluate']

    /** Returns whether the run is planned before its first task. @param request see lib/Request.groovy */
    static boolean isAsked(Map request) {
        return request.plan_only || request.budget != null
    }

    /** Describes files as JSON. @param files see InputFiles */
    static String files(List<Map> files) {
        return JsonOutput.toJson(files.collect { file -> [path: file.path.toUriString(), kind: file.kind, bytes: file.bytes] })
    }

    /** Returns the options of the command. @param request see lib/Request.groovy */
    static Map options(Map request) {
        return request.subMap(OPTIONS) + [
            k: ResultColumns.searched(request),
            model: request.embedding.options.model,
            keep: request.keep,
            query_count: request.query_ids ? countLines(request.query_ids) : null,
            profile: Resources.isBatch() ? 'awsbatch' : Global.session.config.process?.executor ?: 'standard',
            machine: request.plan_machine,
            machines: request.plan_machines,
        ]
    }

    /** Names the work of a run that its plan does not count; null if there is none. @param request see lib/Request.groovy */
    static String unplanned(Map request) {
        def found = UNPLANNED.findAll { name -> request[name] }.collect { name -> "--${name}".toString() }
        if ((request.inputs + request.queries).any { file -> file.kind == 'vectors' }) found << 'importing vectors of other formats'
        return found ? "The plan does not count ${found.join(', ')}: the run takes longer, and costs more." : null
    }

    /** Warns of the work of a run that its plan does not count. @param request see lib/Request.groovy */
    static void warnOfUnplanned(Map request) {
        def text = unplanned(request)
        if (text) LoggerFactory.getLogger(Nextflow).warn(text)
    }

    /** Finds and checks the file of --plan_prices. */
    static Path prices(Object value) {
        def path = HostPath.named(value, '--plan_prices')
        HostPath.requireFile(path, '--plan_prices', value)
        return Staging.place(path, '--plan_prices')
    }

    /** Lists [bucket, fingerprint] of the database, which may not exist yet. */
    static List<List> entries(String database, boolean isStub) {
        return isStub ? [] : DatabaseUri.entries(database).collect { bucket, fingerprint, _bytes -> [bucket, fingerprint] }
    }

    /** Lists the outcome in --outdir: empty where there is none, or that of this run before -resume, or of another version of LanceFlow. */
    static List<Path> outcomes(Object outdir, Object workflow) {
        def file = HostPath.named(outdir, '--outdir').resolve('outcome.json')
        def outcome = read(file)
        def isEarlier = outcome && outcome.session != workflow.sessionId.toString() && outcome.version == workflow.manifest.version
        return isEarlier ? [file] : []
    }

    /**
     * Prints the plan and stops the run if the upper bound of its cost is above the budget, or unknown.
     * @param table the plan for people
     * @param budget in dollars; null: no limit
     */
    static void requireBudget(Path plan, Path table, Number budget) {
        // Tasks of a stub run write empty files.
        def text = budget == null ? '' : plan.getText('UTF-8')
        def problem = text ? problemWith(new JsonSlurper().parseText(text) as Map, budget) : null
        if (!problem) return
        println(table.getText('UTF-8').trim())
        Parameters.stop(problem)
    }

    /** Describes why a plan does not keep the budget, and what to do; null if it does. @param budget in dollars */
    static String problemWith(Map plan, Number budget) {
        def option = "--budget ${new BigDecimal(budget.toString()).toPlainString()}"
        def dollars = plan.total.dollars
        if (dollars == null)
            return "${option}: what this run costs is unknown, because no price is known for the machine ${plan.machine.name}. " +
                'Name the type of its machines (--plan_machine i4i.8xlarge) or a table with its price (--plan_prices FILE), or omit --budget.'
        if (dollars.high <= budget) return null
        return "${option}: this run may cost ${shown(dollars.high)} (estimate ${shown(dollars.estimate)}), which is above the budget. " +
            "Allow --budget ${Math.ceil(dollars.high as double) as long}, or lower the cost: --vector_type float16, a larger --bucket_size for searches, " +
            'fewer queries, a smaller --target_recall, or other machines (--plan_machine). An earlier run with the same --outdir narrows the interval.'
    }

    private static String shown(Number dollars) {
        return dollars < 0.01 ? 'less than $0.01' : String.format(Locale.ROOT, '$%.2f', dollars as double)
    }

    /**
     * Adds to an outcome the stages of the one before that its run did not do: a search keeps the rates of the build.
     * @param before what --outdir has; null for nothing
     */
    static Map withEarlier(Map outcome, Map before) {
        if (before?.format != outcome.format || before.version != outcome.version) return outcome
        // A file that was changed must not fail a run that is complete.
        def done = { stages -> stages instanceof List ? stages.findAll { stage -> stage instanceof Map && stage.state == 'done' } : [] }
        def commands = done(outcome.stages)*.command
        def earlier = (done(before.stages) + done(before.earlier)).findAll { stage -> !(stage.command in commands) }
        return earlier ? outcome + [earlier: earlier] : outcome
    }

    private static long countLines(Path file) {
        return file.withReader('UTF-8') { reader -> reader.lines().filter { line -> !line.trim().isEmpty() }.count() }
    }

    /** Reads a JSON object. @return null if there is none, or it cannot be read */
    static Map read(Path file) {
        try {
            def text = Results.exists(file) ? file.getText('UTF-8') : ''
            def document = text ? new JsonSlurper().parseText(text) : null
            return document instanceof Map ? document : null
        }
        catch (Exception _problem) {
            return null
        }
    }
}
