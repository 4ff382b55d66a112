using RobustTrain.Data.Imaging;

namespace RobustTrain.Data.Datasets.AirChange;

/// <summary>
/// Decoded scenes, kept up to a number of bytes; the least recently used goes first. Crops come from few large files,
/// and without it each file would be decoded once a crop. Safe for several threads; datasets may share one.
/// </summary>
public sealed class SceneCache
{
    private readonly Dictionary<string, Entry> _entries = new(StringComparer.Ordinal);
    private readonly long _capacityBytes;
    private long _bytes;
    private long _clock;

    /// <summary>An empty cache.</summary>
    /// <param name="capacityBytes">The bytes of pixels that it keeps at most; one scene is kept whatever its size.</param>
    public SceneCache(long capacityBytes = 256L << 20)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(capacityBytes);
        _capacityBytes = capacityBytes;
    }

    /// <summary>The bytes of the scenes kept now.</summary>
    public long Bytes
    {
        get
        {
            lock (_entries)
                return _bytes;
        }
    }

    /// <summary>The scene of a name, decoded by <paramref name="decode"/> where it isn't kept; scenes are decoded at most one thread each.</summary>
    internal Scene Get(string name, int argument, Func<int, Scene> decode)
    {
        Entry entry;
        lock (_entries)
        {
            if (!_entries.TryGetValue(name, out entry!))
                _entries.Add(name, entry = new Entry(name));
            entry.LastUse = ++_clock;
            if (entry.Scene is Scene kept)
                return kept;
        }

        lock (entry)
        {
            lock (_entries)
            {
                if (entry.Scene is Scene kept)
                    return kept;
            }

            Scene scene = decode(argument);
            lock (_entries)
            {
                entry.Scene = scene;
                _bytes += scene.Bytes;
                if (_entries.TryAdd(name, entry) || _entries[name] == entry)
                    Shrink(entry);
                else
                    _bytes -= scene.Bytes;
            }

            return scene;
        }
    }

    private void Shrink(Entry newest)
    {
        while (_bytes > _capacityBytes)
        {
            Entry? oldest = null;
            foreach (Entry entry in _entries.Values)
            {
                if (entry != newest && entry.Scene is not null && (oldest is null || entry.LastUse < oldest.LastUse))
                    oldest = entry;
            }

            if (oldest is null)
                return;
            _entries.Remove(oldest.Name);
            _bytes -= oldest.Scene!.Bytes;
        }
    }

    private sealed class Entry(string name)
    {
        public string Name { get; } = name;

        public Scene? Scene { get; set; }

        public long LastUse { get; set; }
    }
}

/// <summary>A decoded scene.</summary>
/// <param name="Image1">The earlier image.</param>
/// <param name="Image2">The later image.</param>
/// <param name="Label">What changed, one channel.</param>
internal sealed record Scene(ImageBuffer Image1, ImageBuffer Image2, ImageBuffer Label)
{
    public long Bytes => Image1.Pixels.Length + Image2.Pixels.Length + Label.Pixels.Length;
}
