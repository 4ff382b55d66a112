namespace RobustTrain.Training.Prediction;

/// <summary>The files that are being written, so that a process that ends at once can delete them.</summary>
internal sealed class UnfinishedFiles
{
    private readonly Lock _gate = new();
    private readonly List<ResultFile> _files = [];
    private readonly HashSet<string> _folders = new(StringComparer.Ordinal);
    private bool _isDiscarded;

    /// <summary>Opens a file; the first of a folder deletes what killed processes have left there.</summary>
    /// <exception cref="Runs.RunException">The disk refuses.</exception>
    /// <exception cref="OperationCanceledException">The process is ending, and would leave the file behind.</exception>
    public ResultFile Open(string path)
    {
        lock (_gate)
        {
            if (_isDiscarded)
                throw new OperationCanceledException();
            if (_folders.Add(Path.GetDirectoryName(path)!))
                ResultFile.DeleteLeftovers(Path.GetDirectoryName(path)!);
            ResultFile file = new(path);
            _files.Add(file);
            return file;
        }
    }

    /// <summary>Says that these files are whole, or gone.</summary>
    public void Forget(params ReadOnlySpan<ResultFile?> files)
    {
        lock (_gate)
        {
            foreach (ResultFile? file in files)
                _files.RemoveAll(candidate => candidate == file);
        }
    }

    /// <summary>Deletes what is half written, while another thread may still be writing.</summary>
    public void Discard()
    {
        lock (_gate)
        {
            _isDiscarded = true;
            _files.ForEach(file => file.Abandon());
        }
    }
}
