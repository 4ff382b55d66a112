using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Serialization;
using RobustTrain.Platform;

namespace RobustTrain.Data.Imaging;

/// <summary>
/// Keeps decoded images in memory, in a folder, or both, so that an image is decoded once and not once an epoch. An image is known by its
/// file's path, size and time of change: one that changes is decoded anew. Safe for several threads; processes may share a folder.
/// What it tells by <see cref="StageClock"/> is told once.
/// </summary>
public sealed class ImageCache
{
    private readonly DecodedFolder? _folder;
    private readonly DecodedMemory? _memory;
    private int _untold;

    /// <summary>A cache in a folder alone, as another process opens it.</summary>
    /// <param name="folder">The folder, made with the first image; null for none.</param>
    [JsonConstructor]
    public ImageCache(string? folder)
        : this(folder, memoryBytes: 0)
    {
    }

    /// <summary>A cache in a folder and in memory.</summary>
    /// <param name="folder">The folder, made with the first image; null for none.</param>
    /// <param name="memoryBytes">The bytes of pixels that it keeps in memory at most.</param>
    public ImageCache(string? folder, long memoryBytes)
    {
        Folder = folder;
        _folder = folder is null ? null : new DecodedFolder(folder, Note);
        _memory = memoryBytes > 0 ? new DecodedMemory(memoryBytes) : null;
    }

    /// <summary>Where decoded images are kept; null for nowhere. Memory is no other process's.</summary>
    public string? Folder { get; }

    /// <summary>Gives an image, decoding it where it isn't kept.</summary>
    /// <param name="reader">Decodes it.</param>
    /// <param name="path">The file.</param>
    /// <param name="target">Takes the pixels where memory doesn't have them.</param>
    /// <param name="keepIndices">Whether the pixels of a palette image stay indices.</param>
    /// <returns><paramref name="target"/>, or a buffer of the cache, which nobody may change.</returns>
    /// <exception cref="SampleException">The file is missing, unreadable, no image, damaged or truncated.</exception>
    internal ImageBuffer Read(ImageReader reader, string path, ImageBuffer target, bool keepIndices)
    {
        // Before it is decoded: a file that is replaced meanwhile is another one the next time.
        FileVersion? version = FileVersion.Of(path);
        ImageKey key = new(path, keepIndices);
        if (version is FileVersion known && _memory?.Find(key, known) is { } kept)
            return kept;
        if (version is not FileVersion present || _folder?.TryRead(reader, key, present, target) != true)
        {
            reader.Decode(path, target, keepIndices);
            if (version is FileVersion decoded)
                _folder?.Write(key, decoded, target);
        }

        if (version is FileVersion read)
            _memory?.Keep(key, read, target);
        if (_untold != 0 && StageClock.TryNote((LoadNotices)_untold))
            _untold = 0;
        return target;
    }

    private void Note(LoadNotices notice) => Interlocked.Or(ref _untold, (int)notice);
}

/// <summary>An image as it is asked for.</summary>
/// <param name="Path">The file.</param>
/// <param name="KeepsIndices">Whether the pixels of a palette image stay indices.</param>
internal readonly record struct ImageKey(string Path, bool KeepsIndices);

/// <summary>What tells a file from the one that had its name before.</summary>
/// <param name="Bytes">Its size.</param>
/// <param name="ChangedTicks">When it was changed, UTC.</param>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct FileVersion(long Bytes, long ChangedTicks)
{
    /// <summary>That of a file; null where there is none.</summary>
    public static FileVersion? Of(string path) => new FileInfo(path) is { Exists: true } file ? new(file.Length, file.LastWriteTimeUtc.Ticks) : null;
}

/// <summary>
/// Decoded images in memory, the least recently used going first, but only once it has not been used while each known image was asked for
/// twice. Where all are used once an epoch and don't fit together, each would else go before its turn comes again.
/// </summary>
/// <param name="capacity">The bytes of pixels at most.</param>
internal sealed class DecodedMemory(long capacity)
{
    private readonly Dictionary<ImageKey, Entry> _known = [];
    private readonly LinkedList<Entry> _kept = [];
    private long _bytes;
    private long _clock;

    /// <summary>The image that is kept; null where it is not, or its file has changed.</summary>
    public ImageBuffer? Find(ImageKey key, FileVersion version)
    {
        lock (_known)
        {
            if (!_known.TryGetValue(key, out Entry? entry))
                _known.Add(key, entry = new Entry());
            entry.LastUse = ++_clock;
            if (entry.Image is null)
                return null;
            _kept.Remove(entry.Place);
            if (entry.Version == version)
            {
                _kept.AddLast(entry.Place);
                return entry.Image;
            }

            Forget(entry);
            return null;
        }
    }

    /// <summary>Keeps a copy of an image that <see cref="Find"/> did not find, where there is room for it.</summary>
    public void Keep(ImageKey key, FileVersion version, ImageBuffer image)
    {
        int bytes = image.Pixels.Length;
        lock (_known)
        {
            while (_bytes + bytes > capacity && _kept.First is { } oldest && _clock - oldest.Value.LastUse > 2 * _known.Count)
            {
                _kept.Remove(oldest);
                Forget(oldest.Value);
            }

            if (_bytes + bytes > capacity)
                return;
            _bytes += bytes;
        }

        ImageBuffer copy = new();
        copy.SetSize(image.Width, image.Height, image.Channels);
        image.Pixels.CopyTo(copy.Pixels);
        lock (_known)
        {
            Entry entry = _known[key];
            if (entry.Image is not null)
            {
                // Another thread has been faster.
                _bytes -= bytes;
                return;
            }

            (entry.Image, entry.Version) = (copy, version);
            _kept.AddLast(entry.Place);
        }
    }

    private void Forget(Entry entry)
    {
        _bytes -= entry.Image!.Pixels.Length;
        entry.Image = null;
    }

    private sealed class Entry
    {
        public Entry() => Place = new LinkedListNode<Entry>(this);

        public LinkedListNode<Entry> Place { get; }

        public ImageBuffer? Image { get; set; }

        public FileVersion Version { get; set; }

        public long LastUse { get; set; }
    }
}

/// <summary>
/// Decoded images in a folder, a file each: a header, then the pixels as they are in memory. A checksum over both finds what is damaged,
/// which is decoded anew and replaced. A disk that refuses ends the writing, and nothing else.
/// </summary>
/// <param name="folder">The folder.</param>
/// <param name="note">Is told of damage, and of a disk that refuses.</param>
internal sealed class DecodedFolder(string folder, Action<LoadNotices> note)
{
    // Rises where decoders give other pixels than before.
    private const int Format = 1;
    private const int ChecksumBytes = 8;

    // Decoders that may differ by a bit keep each its own.
    private static readonly int s_decoder = ImageLibraries.HasTurboJpeg ? 1 : 2;

    private volatile bool _isRefused;

    /// <summary>Reads an image.</summary>
    /// <param name="reader">Lends its buffer.</param>
    /// <param name="key">The image.</param>
    /// <param name="version">Its file as it is now.</param>
    /// <param name="target">Takes the pixels; undefined where there are none.</param>
    /// <returns>Whether it was there, whole and of this version.</returns>
    public unsafe bool TryRead(ImageReader reader, ImageKey key, FileVersion version, ImageBuffer target)
    {
        string entry = EntryOf(key);
        if (!File.Exists(entry))
            return false;
        using StageClock.Scope stage = StageClock.Enter(LoadStage.Read);
        ReadOnlySpan<byte> file;
        try
        {
            file = reader.ReadBytes(entry);
        }
        catch (SampleException)
        {
            // Gone meanwhile, or a disk that fails here: the image itself says what it is worth.
            return false;
        }

        if (file.Length < ChecksumBytes + sizeof(Header) || XxHash3.HashToUInt64(file[ChecksumBytes..]) != MemoryMarshal.Read<ulong>(file))
        {
            note(LoadNotices.CacheDamaged);
            return false;
        }

        Header header = MemoryMarshal.Read<Header>(file[ChecksumBytes..]);
        if (header.Format != Format || header.Decoder != s_decoder || header.Version != version)
            return false;
        target.SetSize(header.Width, header.Height, header.Channels);
        file[(ChecksumBytes + sizeof(Header))..].CopyTo(target.Pixels);
        return true;
    }

    /// <summary>Keeps an image.</summary>
    public void Write(ImageKey key, FileVersion version, ImageBuffer image)
    {
        if (_isRefused)
            return;
        string entry = EntryOf(key);
        string unfinished = entry + DurableFile.TemporarySuffix;
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(entry)!);
            Header[] header = [new(Format, s_decoder, version, image.Width, image.Height, image.Channels)];
            ReadOnlySpan<byte> head = MemoryMarshal.AsBytes(header.AsSpan());
            XxHash3 checksum = new();
            checksum.Append(head);
            checksum.Append(image.Pixels);
            ulong[] hash = [checksum.GetCurrentHashAsUInt64()];

            // Held while it is written: another process leaves the image to this one, and takes over what a killed one has left. It is not
            // flushed to the disk: after a power failure the checksum finds what is missing.
            using FileStream file = new(unfinished, FileMode.Create, FileAccess.Write, OperatingSystem.IsWindows() ? FileShare.Delete : FileShare.None, bufferSize: 0);
            file.Write(MemoryMarshal.AsBytes(hash.AsSpan()));
            file.Write(head);
            file.Write(image.Pixels);
            File.Move(unfinished, entry, overwrite: true);
        }
        catch (IOException held) when (StorageError.IsSharingViolation(held))
        {
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            _isRefused = true;
            note(StorageError.IsNoSpaceLeft(refused) ? LoadNotices.CacheFull : LoadNotices.CacheNotWritable);
            Discard(unfinished);
        }
    }

    private static void Discard(string file)
    {
        try
        {
            File.Delete(file);
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            // Nothing reads it; the next process that writes the entry takes it over.
        }
    }

    private string EntryOf(ImageKey key)
    {
        string name = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{(key.KeepsIndices ? "indices" : "colours")} {Path.GetFullPath(key.Path)}")));
        return Path.Combine(folder, name[..2], $"{name[2..32]}.pixels");
    }

    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct Header(int Format, int Decoder, FileVersion Version, int Width, int Height, int Channels, int Reserved = 0);
}
