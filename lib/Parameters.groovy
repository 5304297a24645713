import groovy.json.JsonSlurper
import java.nio.file.Path
import nextflow.Nextflow

/**
 * Prints --help and checks the user's parameters, both according to nextflow_schema.json. docs/adr/0001-parameter-checks.md explains why this
 * is not the nf-schema plugin.
 */
class Parameters {

    /** Returns the definitions of all parameters by name, in the schema's order. */
    static Map<String, Map> definitions(Path projectDir) {
        return groups(projectDir).collectMany { group -> group.properties.entrySet() }
            .collectEntries { entry -> [(entry.key): entry.value] }
    }

    static String help(Path projectDir) {
        def text = new StringBuilder('''\
            LanceFlow searches proteins by embedding: it builds a LanceDB database of their vectors (--input), finds
            the nearest neighbours of queries in it (--queries), or does both in one run.

              nextflow run main.nf --input proteins.fasta --model kmer --database db
              nextflow run main.nf --queries queries.fasta --model kmer --database db --outdir results
              nextflow run main.nf --query_ids ids.txt --exclude_self --database db --outdir relatives
            '''.stripIndent())
        groups(projectDir).each { group ->
            text << "\n${group.title}\n"
            group.properties.each { name, definition -> text << describe(name, definition) }
        }
        text << '\nProfiles (-profile): standard, docker, podman, singularity, apptainer, slurm, awsbatch, test. More: docs/guide.md\n'
        return text.toString()
    }

    /**
     * Checks names, types, limits and choices of the user's parameters. Stops the run with one message that lists all problems.
     */
    static void check(Map params, Path projectDir) {
        def known = definitions(projectDir)
        // Nextflow adds a camelCase twin for every --kebab-case: only the typed name is reported.
        def twins = params.keySet().findAll { name -> name.contains('-') }.collect { name -> camelCase(name) }
        def problems = params.findAll { name, _value -> !(name in twins && !known.containsKey(name)) }
            .collect { name, value -> problemWith(name, value, known) }
            .findAll()
        if (problems) stop((problems + 'nextflow run main.nf --help lists the parameters.').join('\n'))
    }

    /** Stops the run with a message for the user. */
    static void stop(String message) {
        Nextflow.error(shown(message))
    }

    /** Makes text safe for a terminal: control characters, which a name may contain, become `\\x1b`; line breaks of messages stay. */
    static String shown(String text) {
        return text.replaceAll(/[\p{Cntrl}\u0080-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff&&[^\n]]/) { letter ->
            def code = letter.codePointAt(0)
            '\\' + (code < 256 ? String.format('x%02x', code) : String.format('u%04x', code))
        }
    }

    private static List<Map> groups(Path projectDir) {
        def schema = new JsonSlurper().parse(projectDir.resolve('nextflow_schema.json').toFile()) as Map
        return schema['$defs'].values() as List<Map>
    }

    private static String problemWith(String name, Object value, Map known) {
        def definition = known[name]
        if (definition == null) {
            def near = nearest(name, known.keySet())
            return "Unknown parameter --${name}.${near ? " Did you mean --${near}?" : ''}"
        }
        if (value == null) return null
        return Value.problemWith(value, definition)?.with { problem -> "--${name} ${problem}" }
    }

    private static String describe(String name, Map definition) {
        def kind = definition.type == 'boolean' ? '' : " <${definition.enum ? definition.enum.join('|') : definition.type}>"
        def standard = definition.containsKey('default') && definition.type != 'boolean' ? " [${definition.default}]" : ''
        def lines = [definition.description, definition.help_text].findAll().join(' ')
        return "  --${name}${kind}${standard}\n" + wrap(lines, 100).collect { line -> "      ${line}\n" }.join('')
    }

    private static List<String> wrap(String text, int width) {
        def lines = ['']
        text.split(/\s+/).each { word ->
            if (lines[-1] && lines[-1].size() + word.size() + 1 > width) lines << word
            else lines[-1] = lines[-1] ? "${lines[-1]} ${word}".toString() : word
        }
        return lines
    }

    private static String camelCase(String name) {
        return name.replaceAll(/-+(.)/) { match -> match[1].toUpperCase() }
    }

    /** Finds the known name that was probably meant; ignores case, hyphens and underscores. */
    private static String nearest(String name, Collection<String> known) {
        def plain = { text -> text.toLowerCase().replaceAll(/[-_]/, '') }
        def best = known.min { candidate -> distance(plain(name), plain(candidate)) }
        def limit = name.size() < 4 ? 1 : Math.max(2, name.size().intdiv(3))
        return distance(plain(name), plain(best)) <= limit || plain(best).startsWith(plain(name)) ? best : null
    }

    /** Computes the Levenshtein distance. */
    private static int distance(String a, String b) {
        def row = (0..b.size()).toList()
        a.eachWithIndex { letter, i ->
            def next = [i + 1]
            b.eachWithIndex { other, j ->
                next << [next[j] + 1, row[j + 1] + 1, row[j] + (letter == other ? 0 : 1)].min()
            }
            row = next
        }
        return row[-1]
    }
}
