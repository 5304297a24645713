import java.nio.file.NoSuchFileException
import java.nio.file.Path

/** What went wrong between Nextflow's plugin and S3, in words. */
class S3Problem {

    /** Why a call failed, and what to do: [problem, remedy]. */
    static Map of(Exception problem, Path path, boolean isFolder = false) {
        if (problem instanceof NoSuchFileException) return [problem: 'no such object or folder on S3']
        def said = answer(problem)
        if (!said) {
            def remedy = problem.message?.contains('credentials') ? 'Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give this machine a role'
                : 'Check the network, AWS_REGION and, for other services than AWS, the endpoint'
            return [problem: reasonOf(problem), remedy: remedy]
        }
        def what = "${said.status} ${said.code}"
        if (said.code == 'NoSuchBucket') return [problem: "no such bucket (${what})", remedy: 'Check its name']
        if (said.code == 'InvalidObjectState') return [problem: "the object is archived (${what})", remedy: 'Restore it first']
        if (said.code in ['InvalidAccessKeyId', 'SignatureDoesNotMatch'])
            return [problem: "S3 does not know these credentials (${what})", remedy: 'Check them']
        if (said.code in ['ExpiredToken', 'TokenRefreshRequired'])
            return [problem: "the session token has expired (${what})", remedy: 'Sign in again and run the same command']
        if (said.status in [301, 307] || said.code in ['AuthorizationHeaderMalformed', 'IllegalLocationConstraintException'])
            return [problem: "the bucket is in another region (${what})", remedy: 'Set AWS_REGION, or --aws_region, to that of the bucket']
        if (said.status in [401, 403]) return isFolder ? unlistable(what, path) : unreadable(what, path)
        return [problem: "S3 failed (${what})", remedy: said.status >= 500 ? 'Wait a little and run the same command again' : null]
    }

    private static Map unreadable(String what, Path path) {
        def address = path.toUriString()
        return [
            problem: "access denied, or not there, which S3 does not tell apart (${what})",
            remedy: "Check the address. This role, and the bucket's policy where another account owns it, must allow s3:GetObject of " +
                "${address}; where it is a folder, s3:ListBucket with the prefix ${prefixOf(path)}",
        ]
    }

    private static Map unlistable(String what, Path folder) {
        return [
            problem: "the folder cannot be listed: access denied (${what})",
            remedy: "This role, and the bucket's policy where another account owns it, must allow s3:ListBucket with the prefix " +
                "'${prefixOf(folder)}'. Without it, give a samplesheet that lists the files",
        ]
    }

    private static String prefixOf(Path folder) {
        def key = folder.toUriString().replaceFirst('^s3://[^/]*/?', '').replaceFirst('/$', '')
        return key ? "${key}/" : ''
    }

    /** What S3 answered, or why it did not, in a few words. */
    static String reasonOf(Exception problem) {
        def said = answer(problem)
        return said ? "S3 answered ${said.status} ${said.code}" : problem.message?.readLines()?.find() ?: problem.class.simpleName
    }

    /**
     * What S3 answered: [status, code]; null where the exception is none of AWS's SDK. Its classes are the plugin's: version 1 of the
     * SDK has properties, version 2, of newer plugins, methods.
     */
    static Map answer(Throwable problem) {
        for (def one = problem; one != null; one = one.cause) {
            if (one.respondsTo('getStatusCode') && one.respondsTo('getErrorCode')) return [status: one.statusCode, code: one.errorCode]
            if (one.respondsTo('awsErrorDetails')) return [status: one.statusCode(), code: one.awsErrorDetails()?.errorCode()]
        }
        return null
    }
}
