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
        return Start(program, arguments);
    case ["train" or "evaluate" or "predict" or "sample-data" or "loader" or "config" or "plot" or "find-learning-rate", ..]:
        return FakeHost.Run(args);
    default:
        Console.Error.WriteLine("windows-tests run ASSEMBLY LACKS [TEXT...]   runs the tests, those with one of the texts in their names (!TEXT: those without it)\nwindows-tests start PROGRAM [ARGUMENT...]    starts a program with a console of its own and pipes");
        return 2;
}

// pwsh.exe ends without a word where it has no console, as in a shell of Linux; CreateNoWindow gives it one.
static int Start(string program, string[] arguments)
{
    using Process process = Process.Start(new ProcessStartInfo(program, arguments)
    {
        CreateNoWindow = true,
        RedirectStandardInput = true,
        RedirectStandardOutput = true,
        RedirectStandardError = true,
    })!;
    process.StandardInput.Close();
    Task errors = process.StandardError.BaseStream.CopyToAsync(Console.OpenStandardError());
    process.StandardOutput.BaseStream.CopyTo(Console.OpenStandardOutput());
    errors.Wait();
    process.WaitForExit();
    return process.ExitCode;
}
