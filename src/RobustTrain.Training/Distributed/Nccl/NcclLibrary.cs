using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using RobustTrain.Runs;

namespace RobustTrain.Training.Distributed.Nccl;

/// <summary>The functions of NVIDIA's NCCL 2 that move bytes between GPUs (nccl.h).</summary>
internal sealed unsafe class NcclLibrary
{
    /// <summary>The environment variable that names another library.</summary>
    public const string Variable = "ROBUSTTRAIN_NCCL";

    /// <summary>Bytes (ncclUint8).</summary>
    public const int Bytes = 1;

    private const string Name = "libnccl.so.2";

    /// <summary>Makes the id by which ranks find each other.</summary>
    public readonly delegate* unmanaged<UniqueId*, int> GetUniqueId;

    /// <summary>Joins the ranks of an id: communicator, ranks, id, this rank.</summary>
    public readonly delegate* unmanaged<nint*, int, UniqueId, int, int> Join;

    /// <summary>Sends: buffer, count, type, rank, communicator, stream.</summary>
    public readonly delegate* unmanaged<nint, nuint, int, int, nint, nint, int> Send;

    /// <summary>Receives: as <see cref="Send"/>.</summary>
    public readonly delegate* unmanaged<nint, nuint, int, int, nint, nint, int> Receive;

    /// <summary>Broadcasts: source, target, count, type, root, communicator, stream.</summary>
    public readonly delegate* unmanaged<nint, nint, nuint, int, int, nint, nint, int> Broadcast;

    /// <summary>Begins calls that belong together.</summary>
    public readonly delegate* unmanaged<int> GroupStart;

    /// <summary>Ends them.</summary>
    public readonly delegate* unmanaged<int> GroupEnd;

    /// <summary>What has gone wrong meanwhile.</summary>
    public readonly delegate* unmanaged<nint, int*, int> AsyncError;

    /// <summary>Ends a communicator in order.</summary>
    public readonly delegate* unmanaged<nint, int> Destroy;

    /// <summary>Ends one whose ranks are not all there any more.</summary>
    public readonly delegate* unmanaged<nint, int> Abort;

    private readonly delegate* unmanaged<int, byte*> _errorText;

    private NcclLibrary(nint library, string path)
    {
        Path = path;
        nint Function(string name) => NativeLibrary.TryGetExport(library, name, out nint address)
            ? address
            : throw new RunException(ExitCode.Configuration, "NcclNotUsable", $"'{path}' is no NCCL that this program can use (2.7 or newer): it has no {name}.", path);
        GetUniqueId = (delegate* unmanaged<UniqueId*, int>)Function("ncclGetUniqueId");
        Join = (delegate* unmanaged<nint*, int, UniqueId, int, int>)Function("ncclCommInitRank");
        Send = (delegate* unmanaged<nint, nuint, int, int, nint, nint, int>)Function("ncclSend");
        Receive = (delegate* unmanaged<nint, nuint, int, int, nint, nint, int>)Function("ncclRecv");
        Broadcast = (delegate* unmanaged<nint, nint, nuint, int, int, nint, nint, int>)Function("ncclBroadcast");
        GroupStart = (delegate* unmanaged<int>)Function("ncclGroupStart");
        GroupEnd = (delegate* unmanaged<int>)Function("ncclGroupEnd");
        AsyncError = (delegate* unmanaged<nint, int*, int>)Function("ncclCommGetAsyncError");
        Destroy = (delegate* unmanaged<nint, int>)Function("ncclCommDestroy");
        Abort = (delegate* unmanaged<nint, int>)Function("ncclCommAbort");
        _errorText = (delegate* unmanaged<int, byte*>)Function("ncclGetErrorString");
    }

    /// <summary>Where it lies.</summary>
    public string Path { get; }

    /// <summary>Loads the library: the one that <see cref="Variable"/> names, else the one beside libtorch, else the system's.</summary>
    /// <param name="folder">libtorch's folder.</param>
    /// <param name="found">The library.</param>
    /// <returns>Whether there is one.</returns>
    /// <exception cref="RunException">The one that is named, or that was found, can't be used.</exception>
    public static bool TryLoad(string folder, [NotNullWhen(true)] out NcclLibrary? found)
    {
        string? asked = Environment.GetEnvironmentVariable(Variable);
        string[] paths = string.IsNullOrEmpty(asked) ? [System.IO.Path.Combine(folder, Name), Name] : [asked];
        foreach (string path in paths)
        {
            if (NativeLibrary.TryLoad(path, out nint library))
            {
                found = new NcclLibrary(library, path);
                return true;
            }
        }

        found = null;
        return string.IsNullOrEmpty(asked) ? false : throw new RunException(ExitCode.Configuration, "NcclNotFound", $"{Variable} is '{asked}', which is no library that can be loaded.", asked);
    }

    /// <summary>Loads a library from a path.</summary>
    internal static NcclLibrary Load(string path) => new(NativeLibrary.Load(path), path);

    /// <summary>Refuses what went wrong.</summary>
    /// <exception cref="RunException">Something did.</exception>
    public void Check(int result, string what)
    {
        if (result != 0)
            throw new RunException(ExitCode.Unexpected, "NcclFailed", $"NCCL ({Path}) could not {what}: {Marshal.PtrToStringUTF8((nint)_errorText(result))}.", Path);
    }

    /// <summary>By what ranks find each other (ncclUniqueId).</summary>
    [InlineArray(Length)]
    internal struct UniqueId
    {
        /// <summary>Its bytes.</summary>
        public const int Length = 128;

        private byte _first;
    }
}
