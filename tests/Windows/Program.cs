using System.Diagnostics;
using System.Text;
using RobustTrain.Tests.Windows;

// A pipe's text is read on Linux, which expects UTF-8.
Console.OutputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
switch (args)
{
    case ["run", var assembly, var lacks, .. var names]:
        Unwinding.Mend();
        return new TestRun(assembly, KnownLacks.Read(lacks), names).Run(Console.Out);
    case ["start", var program, .. var arguments]:
        return Start(program, arguments, hasInput: false);

    // As an OpenSSH client whose host is this Windows.
    case [.., "--", _, "sh"]:
        Console.Error.WriteLine("'sh' is not recognized as an internal or external command,\noperable program or batch file.");
        return 1;
    case [.., "--", _, var command]:
        return Start(Path.GetFullPath("../pwsh/pwsh.exe", AppContext.BaseDirectory), command.Split(' ')[1..], hasInput: true);
    case ["train" or "evaluate" or "predict" or "sample-data" or "loader" or "config" or "plot" or "find-learning-rate", ..]:
        return FakeHost.Run(args);
    default:
        Console.Error.WriteLine("windows-tests run ASSEMBLY LACKS [TEXT...]   runs the tests, those with one of the texts in their names (!TEXT: those without it)\nwindows-tests start PROGRAM [ARGUMENT...]    starts a program with a console of its own and pipes");
        return 2;
}

// pwsh.exe ends without a word where it has no console, as in a shell of Linux; CreateNoWindow gives it one.
static int Start(string program, string[] arguments, bool hasInput)
{
    using Process process = Process.Start(new ProcessStartInfo(program, arguments)
    {
        CreateNoWindow = true,
        RedirectStandardInput = true,
        RedirectStandardOutput = true,
        RedirectStandardError = true,
    })!;
    if (hasInput)
        new Thread(() => Pass(process)) { IsBackground = true }.Start();
    else
        process.StandardInput.Close();
    Task errors = process.StandardError.BaseStream.CopyToAsync(Console.OpenStandardError());
    process.StandardOutput.BaseStream.CopyTo(Console.OpenStandardOutput());
    errors.Wait();
    process.WaitForExit();
    return process.ExitCode;
}

// As it comes, for each line is a request that somebody waits for.
static void Pass(Process process)
{
    using Stream input = Console.OpenStandardInput();
    byte[] buffer = new byte[1 << 16];
    for (int read; (read = input.Read(buffer)) > 0; process.StandardInput.BaseStream.Flush())
        process.StandardInput.BaseStream.Write(buffer, 0, read);
    process.StandardInput.Close();
}
