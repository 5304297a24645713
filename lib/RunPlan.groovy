import groovy.json.JsonOutput
import groovy.json.JsonSlurper
import java.nio.file.Files
import java.nio.file.Path
import nextflow.Global

/** The plan of a run: what PLAN_RUN gets, and the budget that its plan must keep. */
class RunPlan {

    /** Parameters that are options of the command under the same name. */
    private static final List<String> OPTIONS = ['k', 'search', 'nprobes', 'refine_factor', 'target_recall', 'bucket_size', 'index', 'order',
        'vector_type', 'part_residues']

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
            model: request.embedding.options.model,
            keep: request.keep,
            query_count: request.query_ids ? countLines(request.query_ids) : null,
            profile: Resources.isBatch() ? 'awsbatch' : Global.session.config.process?.executor ?: 'standard',
            machine: request.plan_machine,
            machines: request.plan_machines,
        ]
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
        def document = budget == null ? null : read(plan)
        def problem = document ? problemWith(document, budget) : null
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

    private static long countLines(Path file) {
        return file.withReader('UTF-8') { reader -> reader.lines().filter { line -> !line.trim().isEmpty() }.count() }
    }

    private static Map read(Path file) {
        try {
            def text = Results.exists(file) ? file.getText('UTF-8') : ''
            def document = text ? new JsonSlurper().parseText(text) : null
            return document instanceof Map ? document : null
        }
        catch (groovy.json.JsonException _problem) {
            return null
        }
    }
}
