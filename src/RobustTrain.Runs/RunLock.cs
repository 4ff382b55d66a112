using System.Globalization;
using System.Text;
using RobustTrain.Platform;

namespace RobustTrain.Runs;

/// <summary>
/// The lock on the folder of a run, or of a fleet. Its file also has a heartbeat, a number that grows every few seconds, for file systems whose locks don't
/// reach other machines or that have none.
/// </summary>
public sealed class RunLock : IDisposable
{
    /// <summary>How often the heartbeat comes.</summary>
    public static readonly TimeSpan BeatInterval = TimeSpan.FromSeconds(5);

    private readonly FileStream _file;
    private readonly Timer _heart;
    private readonly Lock _gate = new();
    private long _beats;

    private RunLock(FileStream file, bool keepsOthersOut)
    {
        _file = file;
        KeepsOthersOut = keepsOthersOut;
        _beats = BeatsOf(file);
        _heart = new Timer(_ => Beat(), null, TimeSpan.Zero, BeatInterval);
    }

    /// <summary>Whether the file system has locks at all.</summary>
    public bool KeepsOthersOut { get; }

    /// <summary>Takes the lock.</summary>
    /// <param name="path">The lock's file. It is never deleted while another process may hold it: two could otherwise hold two files of the same name.</param>
    /// <param name="mustBeNew">Whether the file must not be there yet: of several that try, one succeeds, on any file system.</param>
    /// <exception cref="IOException">Another process has it (<see cref="StorageError.IsSharingViolation"/>), the file is there already, or the disk refuses.</exception>
    public static RunLock Take(string path, bool mustBeNew)
    {
        FileStream file = new(path, mustBeNew ? FileMode.CreateNew : FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);

        // .NET goes on without a word where the file system has no locks, and where DOTNET_SYSTEM_IO_DISABLEFILELOCKING is set.
        bool keepsOthersOut = true;
        if (!OperatingSystem.IsWindows() && !PosixFile.TryLock(file.SafeFileHandle, out keepsOthersOut))
        {
            file.Dispose();
            throw StorageError.SharingViolation(path);
        }

        return new RunLock(file, keepsOthersOut);
    }

    /// <summary>The heartbeat in a lock's file, to be compared only; 0 where there is none, or it can't be read.</summary>
    public static long ReadBeats(string path)
    {
        try
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
            return BeatsOf(file);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            _heart.Dispose();
            _file.Dispose();
        }
    }

    private static long BeatsOf(FileStream file)
    {
        Span<byte> text = stackalloc byte[20];
        int length = RandomAccess.Read(file.SafeFileHandle, text, 0);
        return long.TryParse(Encoding.ASCII.GetString(text[..length]), NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out long beats) ? beats : 0;
    }

    private void Beat()
    {
        lock (_gate)
        {
            if (_file.SafeFileHandle.IsClosed)
                return;
            try
            {
                RandomAccess.Write(_file.SafeFileHandle, Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{++_beats,19}\n")), 0);

                // What only this machine's cache has, no other machine sees.
                _file.Flush(flushToDisk: true);
            }
            catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
            {
                // A full disk, or a share that is away, misses a beat; the training goes on.
            }
        }
    }
}
