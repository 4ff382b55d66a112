using System.Diagnostics;
using System.Runtime.InteropServices;

namespace RobustTrain.Platform;

/// <summary>Another program that does what this process was started for, with its standard streams.</summary>
public static unsafe class SiblingProgram
{
    /// <summary>
    /// Runs it: on Linux and macOS in place of this process, which keeps its id, so that signals and standard input reach the program itself; on
    /// Windows as a child that ends with this process.
    /// </summary>
    /// <returns>Its exit code; on Linux and macOS it never returns.</returns>
    /// <exception cref="IOException">It can't be started.</exception>
    public static int Run(string path, IReadOnlyList<string> arguments)
    {
        if (OperatingSystem.IsWindows())
            return RunAsChild(path, arguments);
        Replace([path, .. arguments]);
        throw new IOException($"'{path}' can't be started: {Marshal.GetLastPInvokeErrorMessage()}.");
    }

    private static void Replace(string[] words)
    {
        byte** list = (byte**)NativeMemory.AllocZeroed((nuint)(words.Length + 1), (nuint)sizeof(byte*));
        for (int i = 0; i < words.Length; i++)
            list[i] = (byte*)Marshal.StringToCoTaskMemUTF8(words[i]);
        _ = Libc.Execute(list[0], list);
        int error = Marshal.GetLastPInvokeError();
        for (int i = 0; i < words.Length; i++)
            Marshal.FreeCoTaskMem((nint)list[i]);
        NativeMemory.Free(list);
        Marshal.SetLastPInvokeError(error);
    }

    private static int RunAsChild(string path, IReadOnlyList<string> arguments)
    {
        try
        {
            // Ctrl+C reaches both: the child ends by it, and this process waits for that.
            Console.CancelKeyPress += (_, pressed) => pressed.Cancel = true;
            using Process child = Process.Start(new ProcessStartInfo(path, arguments) { UseShellExecute = false })!;
            if (OperatingSystem.IsWindows())
                ChildJob.OfThisProcess.Value.Add(child);
            child.WaitForExit();
            return child.ExitCode;
        }
        catch (System.ComponentModel.Win32Exception refused)
        {
            throw new IOException($"'{path}' can't be started: {refused.Message}.", refused);
        }
    }
}
