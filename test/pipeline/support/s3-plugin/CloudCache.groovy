// A stand-in for nf-cloudcache: an object for each task, in the layout of version 0.4. It does not write the index of a run's tasks, which
// only `nextflow log` and `nextflow clean` read.
package lanceflow.test

import com.google.common.hash.HashCode
import java.nio.file.NoSuchFileException
import java.nio.file.Path
import nextflow.Global
import nextflow.cache.CacheDB
import nextflow.cache.CacheFactory
import nextflow.cache.CacheStore
import nextflow.plugin.BasePlugin
import nextflow.plugin.Priority
import org.pf4j.PluginWrapper

class CloudCachePlugin extends BasePlugin {
    CloudCachePlugin(PluginWrapper wrapper) { super(wrapper) }
}

@Priority(-10)
class CloudCacheFactory extends CacheFactory {
    protected CacheDB newInstance(UUID session, String run, Path home) {
        return new CacheDB(new CloudCache(Global.session.cloudCachePath.resolve(session.toString())))
    }
}

class CloudCache implements CacheStore {
    private final Path folder

    CloudCache(Path folder) { this.folder = folder }

    byte[] getEntry(HashCode key) {
        try {
            return folder.resolve(key.toString()).bytes
        }
        catch (NoSuchFileException _missing) {
            return null
        }
    }
    void putEntry(HashCode key, byte[] value) { folder.resolve(key.toString()).bytes = value }
    void deleteEntry(HashCode key) { folder.resolve(key.toString()).delete() }
    CacheStore open() { return this }
    CacheStore openForRead() { return this }
    void close() {}
    void drop() { throw new UnsupportedOperationException() }
    void writeIndex(HashCode key, boolean cached) {}
    Iterator<CacheStore.Index> iterateIndex() { throw new UnsupportedOperationException() }
    void deleteIndex() { throw new UnsupportedOperationException() }
}
